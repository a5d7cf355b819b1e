// SPDX-License-Identifier: Apache-2.0

package quant_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/goqat/goqat/quant"
)

// TestWeightScale wants a scale that no other near it beats, and the multiplier itself where
// some scale has it.
func TestWeightScale(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	scale := func() float32 { return float32(math.Exp2(20*rng.Float64() - 14)) }
	off := func(x, s, y float32, m float64) float64 { return math.Abs(float64(quant.Multiplier(x, s, y)) - m) }
	for range 2000 {
		x, y, s := scale(), scale(), scale()
		m := float64(quant.Multiplier(x, s, y)) // which s has
		if got := quant.WeightScale(x, y, m); off(x, got, y, m) != 0 {
			t.Fatalf("x %v, y %v: %v gives %v, %v gives %v", x, y, got, quant.Multiplier(x, got, y), s, m)
		}
		m = math.Exp2(20*rng.Float64() - 14) // which perhaps none has
		got := quant.WeightScale(x, y, m)
		least := off(x, got, y, m)
		up, down := got, got
		for range 50 {
			up, down = math.Nextafter32(up, math.MaxFloat32), math.Nextafter32(down, 0)
			for _, other := range []float32{up, down} {
				if off(x, other, y, m) < least {
					t.Fatalf("x %v, y %v, m %v: %v is off by %v, %v by less", x, y, m, got, least, other)
				}
			}
		}
	}
}
