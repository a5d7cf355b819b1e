// SPDX-License-Identifier: Apache-2.0

package ste_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/ste"
)

// TestGradient checks levels, their mean over many steps, and that a step makes
// the same choices again.
func TestGradient(t *testing.T) {
	const size, images, steps = 20, 3, 4000
	rng := rand.New(rand.NewPCG(1, 2))
	dy := make([]float32, size*images)
	for i := range dy[:2*size] { // the last image has no gradient
		dy[i] = float32(math.Pow(10, float64(i/size)) * rng.NormFloat64())
	}
	run := &graph.Run{Pass: graph.Pass{Seed: 5, Quantize: true}}
	for _, bits := range []int{1, 2, 4, 8} {
		q := &ste.Gradient{Bits: bits, Layer: graph.NewLayer("conv1")}
		n := math.Exp2(float64(bits)) - 1
		dst, sum := make([]float32, len(dy)), make([]float64, len(dy))
		for step := range uint64(steps) {
			run.Step = step
			q.Change(run, dst, dy, size)
			for i, v := range dst {
				sum[i] += float64(v)
			}
		}
		for k := range images {
			most := 0.0
			for _, v := range dy[k*size : (k+1)*size] {
				most = max(most, math.Abs(float64(v)))
			}
			for i := k * size; i < (k+1)*size; i++ {
				level := (float64(dst[i])/most/2 + 0.5) * n
				if most > 0 && math.Abs(level-math.Round(level)) > 1e-4 || math.Abs(float64(dst[i])) > most*1.000001 {
					t.Errorf("%d bits: %v became %v of at most %v", bits, dy[i], dst[i], most)
				}
				deviation := most / n / math.Sqrt(steps)
				// Half a level beyond the ends is clipped away.
				inside := math.Abs(float64(dy[i])) <= most*(1-1/n)
				if mean := sum[i] / steps; inside && math.Abs(mean-float64(dy[i])) > 5*deviation {
					t.Errorf("%d bits: the mean of %v is %v", bits, dy[i], mean)
				}
			}
		}
		again := make([]float32, len(dy))
		if q.Change(run, again, dy, size); !slices.Equal(again, dst) {
			t.Errorf("%d bits: a step made other choices the second time", bits)
		}
		other := &ste.Gradient{Bits: bits, Layer: graph.NewLayer("conv2")}
		if other.Change(run, again, dy, size); slices.Equal(again, dst) {
			t.Errorf("%d bits: another layer made the same choices", bits)
		}
	}
	run.Quantize = false
	dst := make([]float32, len(dy))
	if (&ste.Gradient{Bits: 2}).Change(run, dst, dy, size); !slices.Equal(dst, dy) {
		t.Error("gradients change while quantizers are off")
	}
}
