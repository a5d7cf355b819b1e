// SPDX-License-Identifier: Apache-2.0

package pipeline_test

import (
	"path/filepath"
	"strings"
	"testing"
)

// blocks is a network with a shortcut that is a tensor, one that is a projection, and one
// that skips a pooling.
const blocks = `model=[
{kind: conv, channels: 8, kernel: 3, stride: 2, pad: same, norm: true, activation: relu},
{kind: residual, activation: relu, body: [{kind: conv, name: a, channels: 8, kernel: 3, pad: 1, norm: true, activation: relu}, {kind: conv, name: b, channels: 8, kernel: 3, pad: 1, norm: true}]},
{kind: residual, activation: relu, body: [{kind: conv, name: c, channels: 12, kernel: 3, stride: 2, pad: 1, norm: true, activation: relu}, {kind: conv, name: d, channels: 12, kernel: 3, pad: 1, norm: true}],
  shortcut: [{kind: conv, name: side, channels: 12, kernel: 1, stride: 2, norm: true}]},
{kind: residual, body: [{kind: maxpool, size: 3, stride: 1, pad: 1}, {kind: conv, name: e, channels: 12, kernel: 1, norm: true}]},
{kind: globalavgpool}, {kind: linear}]`

// TestWideResiduals trains residual blocks whose sums keep 8 bits, by methods of several
// kinds: the model agrees in every integer, and config.yaml and the checkpoint repeat it.
func TestWideResiduals(t *testing.T) {
	few := []string{blocks, "data.train_limit=320", "data.test_limit=60", "qat.epochs=1", "qat.lr=0.02", "qat.residuals=wide"}
	float := trained(t, small(t, append(few, "float.epochs=1", "qat.epochs=0")...))
	for name, settings := range map[string][]string{
		"lsq, 2 bits":                 {"qat.method=lsq", "qat.weight_bits=2", "qat.activation_bits=2"},
		"pact, 4 bits, powers of two": {"qat.method=pact", "qat.scales=pow2"},
		"int, 3 bits, online":         {"qat.method=int", "qat.weight_bits=3", "qat.activation_bits=3", "qat.ranges=online"},
		"dorefa, 1 bit, all layers":   {"qat.method=dorefa", "qat.weight_bits=1", "qat.activation_bits=1", "qat.first_last=same"},
		"signs":                       {"qat.method=xnor"},
		"ternary weights":             {"qat.method=twn"},
		"a layer of its own":          {"qat.method=lsq", "qat.weight_bits=2", "qat.activation_bits=2", "qat.layers=[{match: block2.side, activation_bits: 4}, {match: block2.c, method: int, weight_bits: 8, activation_bits: 8}]"},
		"stages":                      {"qat.method=lsq", "qat.weight_bits=2", "qat.activation_bits=2", "qat.epochs=2", "qat.stages=[{epochs: 1, weight_bits: 4, activation_bits: 4}]"},
		"layer by layer":              {"qat.method=lsq", "qat.weight_bits=2", "qat.activation_bits=2", "qat.epochs=2", "qat.stages=[{epochs: 1, match: block2.side}]"},
	} {
		t.Run(name, func(t *testing.T) {
			r := small(t, append(append(few, settings...), "init="+filepath.Join(float.Folder, "checkpoint-float.safetensors"))...)
			s := trained(t, r)
			if v := s.Verify; v == nil || v.IntegerMismatches != 0 || v.FakequantMaxSteps > 1 {
				t.Errorf("verification: %+v", v)
			}
			if text := string(read(t, r.Out, "config.yaml")); !strings.Contains(text, "residuals: wide") {
				t.Error("config.yaml does not say it")
			}
		})
	}
}
