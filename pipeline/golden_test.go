// SPDX-License-Identifier: Apache-2.0

package pipeline_test

import (
	"bufio"
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/goqat/goqat/internal/kernel"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/qat"
)

var updateGolden = flag.Bool("golden", false, "write testdata/golden-models.txt anew")

// goldenFile has a line for each model: the SHA-256 of its .qmodel and its name.
const goldenFile = "../testdata/golden-models.txt"

// goldenModel is a short training whose model must never change by a byte.
type goldenModel struct {
	name     string
	settings []string
}

// goldenModels are every method on lenet, and, of all, two methods on every network by name and recipes with rules and
// stages.
func goldenModels(all bool) []goldenModel {
	few := []string{"data.train_limit=256", "data.test_limit=16", "batch=16", "float.epochs=1", "qat.epochs=2", "qat.batchnorm_freeze=1", "verify.images=16"}
	var list []goldenModel
	add := func(name string, settings ...string) {
		list = append(list, goldenModel{name, append(append([]string{}, few...), settings...)})
	}
	for _, method := range qat.Methods() {
		m := method.Info()
		add("lenet "+m.Name, "qat.method="+m.Name)
	}
	if !all {
		return list
	}
	for _, network := range layers.Names() {
		h, w, c := layers.DefaultInput(network)
		for _, method := range []string{"pact", "int"} {
			add(network+" "+method+" of width 0.125", "model="+network, "model.width=0.125", "qat.method="+method, "float.lr=0.01", "data.train_limit=256",
				fmt.Sprintf("data.height=%d", h), fmt.Sprintf("data.width=%d", w), fmt.Sprintf("data.channels=%d", c))
		}
	}
	add("resnet8 lsq", "model=resnet8", "qat.method=lsq", "data.height=32", "data.width=32", "data.channels=3", "data.train_limit=128")
	add("a list of layers with rules", ownNetwork, "qat.method=lsq", "qat.weight_bits=3", "qat.activation_bits=4", "qat.first_last=same",
		"qat.layers=[{match: block1.*, method: wrpn, weight_bits: 5}, {match: block2.conv1, method: bnn, weight_bits: 1, activation_bits: 1}, {match: block2.shortcut, weights: dorefa, weight_bits: 2}]")
	add("a list of layers in stages", ownNetwork, "qat.method=pact", "qat.weight_bits=2", "qat.activation_bits=2", "qat.epochs=4",
		"qat.stages=[{epochs: 1, weight_bits: 8, activation_bits: 8}, {epochs: 1, match: block*, weight_bits: 4, activation_bits: 4}]")
	add("a list of layers with powers of two", ownNetwork, "qat.method=int", "qat.weight_bits=6", "qat.activation_bits=6", "qat.scales=pow2", "qat.observer=minmax")
	return list
}

// ownNetwork has two kinds of residual blocks, a grouped convolution, both poolings and a dropout.
const ownNetwork = `model=[
{kind: conv, channels: 8, kernel: 3, pad: 1, norm: true, activation: relu}, {kind: maxpool, size: 2},
{kind: residual, activation: relu, body: [
{kind: depthwise, kernel: 3, pad: 1, norm: true, activation: relu6}, {kind: conv, channels: 8, kernel: 1, norm: true}]},
{kind: residual, activation: relu, body: [
{kind: conv, channels: 16, kernel: 3, stride: 2, pad: 1, norm: true, activation: relu}, {kind: conv, channels: 16, kernel: 3, pad: 1, groups: 2, norm: true}]},
{kind: avgpool, size: 7}, {kind: dropout, rate: 0.1}, {kind: linear}]`

// TestGoldenModels trains each model again: a change of the code that is to change no number changes no byte of them.
// The models are those of AVX2, to which AVX-512 is equal.
func TestGoldenModels(t *testing.T) {
	defer kernel.SetTier(kernel.SetTier(kernel.AVX2))
	if kernel.SetTier(kernel.AVX2) != kernel.AVX2 {
		t.Skip("the golden models are those of a processor with AVX2, which this one has not")
	}
	golden := readGolden(t)
	var file strings.Builder
	for _, m := range goldenModels(goldenAll || *updateGolden) {
		t.Run(m.name, func(t *testing.T) {
			s := trained(t, small(t, m.settings...))
			if v := s.Verify; v == nil || v.IntegerMismatches != 0 {
				t.Errorf("verification: %+v", v)
			}
			sum := fmt.Sprintf("%x", sha256.Sum256(read(t, s.Folder, "model.qmodel")))
			fmt.Fprintf(&file, "%s  %s\n", sum, m.name)
			if sum != golden[m.name] && !*updateGolden {
				t.Errorf("the model's SHA-256 is %s, in %s %q", sum, goldenFile, golden[m.name])
			}
		})
	}
	if *updateGolden && !t.Failed() {
		if err := os.WriteFile(goldenFile, []byte(file.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// readGolden returns the digests of goldenFile by the name of the model.
func readGolden(t *testing.T) map[string]string {
	f, err := os.Open(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	golden := map[string]string{}
	for s := bufio.NewScanner(f); s.Scan(); {
		sum, name, _ := strings.Cut(s.Text(), "  ")
		golden[name] = sum
	}
	return golden
}
