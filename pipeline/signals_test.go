// SPDX-License-Identifier: Apache-2.0

package pipeline_test

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/goqat/goqat/infer"
)

// motions writes recordings of an accelerometer, 48 samples of two axes in 1/16384 of g, in a folder for each of three
// motions, and returns one of each.
func motions(t *testing.T, dir string, n int) map[string][]int16 {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 1))
	last := map[string][]int16{}
	for k, name := range []string{"rest", "shake", "walk"} {
		for i := range n {
			phase, rate := rng.Float64()*2*math.Pi, []float64{0, 1.3, 0.35}[k]*(0.9+0.2*rng.Float64())
			var text bytes.Buffer
			text.WriteString("x,y\n")
			var samples []int16
			for j := range 48 {
				wave := 0.6 * math.Sin(phase+rate*float64(j))
				if k == 0 {
					wave = 0
				}
				for _, v := range []float64{wave + rng.NormFloat64()*0.05, 1 + wave/3 + rng.NormFloat64()*0.05} {
					samples = append(samples, int16(math.Round(v*16384)))
				}
				fmt.Fprintf(&text, "%v,%v\n", float64(samples[2*j])/16384, float64(samples[2*j+1])/16384)
			}
			path := filepath.Join(dir, name, fmt.Sprintf("%03d.csv", i))
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, text.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
			last[name] = samples
		}
	}
	return last
}

// TestSignals trains a 1-D network on recordings in float, at 8 and at 4 bits. The integers of the runtime are those of
// the graph, and integer samples, encoded without floating point, are recognized.
func TestSignals(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "motions")
	recordings := motions(t, dir, 40)
	for _, bits := range []int{8, 4} {
		r := small(t, `model=[{kind: conv, channels: 8, kernel: [1, 5], pad: [0, 2], stride: [1, 2], norm: true, activation: relu},
			{kind: conv, channels: 12, kernel: [1, 5], stride: [1, 2], norm: true, activation: relu}, {kind: globalavgpool}, {kind: linear}]`,
			"data.name="+dir, "data.mean=auto", "data.deviation=auto", "data.augment.crop=0", "data.augment.flip=false", "data.train_limit=0", "data.test_limit=0",
			"batch=16", "float.epochs=12", "qat.epochs=4", fmt.Sprint("qat.weight_bits=", bits), fmt.Sprint("qat.activation_bits=", bits))
		s := trained(t, r)
		if s.Verify == nil || s.Verify.IntegerMismatches != 0 || *s.Accuracy.Integer < 0.9 {
			t.Errorf("%d bits: %+v, accuracy %v", bits, s.Verify, *s.Accuracy.Integer)
		}
		m, err := infer.FromBytes(read(t, r.Out, "model.qmodel"))
		if err != nil {
			t.Fatal(err)
		}
		e, err := m.NewEncoder(math.Float32bits(1.0 / 16384))
		if err != nil {
			t.Fatal(err)
		}
		right := 0
		for name, samples := range recordings {
			codes := make([]uint8, len(samples))
			if err := e.Int16(codes, samples); err != nil {
				t.Fatal(err)
			}
			class, err := m.Classify(codes)
			if err != nil {
				t.Fatal(err)
			}
			if class == name {
				right++
			}
		}
		if right < 2 || !slices.Equal(m.Classes(), []string{"rest", "shake", "walk"}) {
			t.Errorf("%d bits: %d of 3 recordings are recognized; classes %v", bits, right, m.Classes())
		}
	}
}
