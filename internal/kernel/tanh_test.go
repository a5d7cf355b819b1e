// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestTanh: Tanh is math.Tanh, rounded to float32.
func TestTanh(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	w := []float32{0, float32(math.Copysign(0, -1)), 0.625, -0.625, math.Nextafter32(0.625, 0), 1e-40, -1e-30, 3, -50, 100,
		float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN())}
	for range 1 << 20 {
		w = append(w, float32(rng.NormFloat64()*0.3))
	}
	got := make([]float32, len(w))
	Tanh(got, w)
	for i, v := range w {
		want := float32(math.Tanh(float64(v)))
		if got[i] != want && (got[i] == got[i] || want == want) {
			t.Fatalf("the tangent of %v is %v, want %v", v, got[i], want)
		}
	}
}
