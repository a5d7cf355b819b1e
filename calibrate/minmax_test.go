// SPDX-License-Identifier: Apache-2.0

package calibrate

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestLimits compares the extremes of bits with those of numbers.
func TestLimits(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	odd := []float32{0, float32(math.Copysign(0, -1)), math.SmallestNonzeroFloat32, -math.SmallestNonzeroFloat32, math.MaxFloat32, -math.MaxFloat32,
		inf, -inf, nan, -nan, math.Float32frombits(0xff800001)}
	for range 2000 {
		x := make([]float32, rng.IntN(6))
		for i := range x {
			if x[i] = float32(rng.NormFloat64()); rng.IntN(3) == 0 {
				x[i] = odd[rng.IntN(len(odd))]
			}
		}
		var lo, hi float32
		finite := true
		for _, v := range x {
			if math.IsInf(float64(v), 0) || v != v {
				finite = false
				break
			}
			lo, hi = min(lo, v), max(hi, v)
		}
		switch gotLo, gotHi, got := limits(x); {
		case got != finite:
			t.Fatalf("%v: finite %v, want %v", x, got, finite)
		case finite && (gotLo != lo || gotHi != hi || math.Signbit(float64(gotHi))):
			t.Fatalf("%v: %v to %v, want %v to %v", x, gotLo, gotHi, lo, hi)
		}
	}
}
