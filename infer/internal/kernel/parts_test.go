// SPDX-License-Identifier: Apache-2.0

package kernel_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/goqat/goqat/infer/internal/kernel"
)

// TestParts compares convolutions with weights in several parts, of codes and of signs, with the reference. Parts
// of -1 and +1 and others, and those whose products fit 16 bits and others, have tiles of their own.
func TestParts(t *testing.T) {
	rng := rand.New(rand.NewPCG(15, 16))
	sets, reference := fast()
	for i := range rounds(100) {
		signs, batch := 1+rng.IntN(3), 1+rng.IntN(2)
		c, x := drawSigns(t, rng, signs, batch, i%3 == 0)
		own := signs
		if i%2 == 0 {
			c.Max, own = 255, 1
			drawCodes(rng, x, c.Max)
		}
		weights := make([][]int16, 2+rng.IntN(2))
		for k := range weights {
			w := make([]int8, c.OutC*c.KH*c.KW*c.InC/c.Groups)
			if rng.IntN(3) == 0 {
				copy(w, drawWeights(rng, len(w)))
			} else {
				for j := range w {
					w[j] = int8(2*rng.IntN(2) - 1)
				}
			}
			for _, v := range w {
				weights[k] = append(weights[k], int16(v))
			}
		}
		prepare := func(set kernel.Set, k int) kernel.Plan {
			if i%2 > 0 {
				return set.Signs(c, signs, weights[k])
			}
			narrow, _ := kernel.NewRemainder(c, weights[k])
			return set.Plan(c, narrow)
		}
		want := gather(t, kernel.NewParts(reference, len(weights), prepare), c, own*len(weights), x, batch, false)
		for k := range weights {
			one := gather(t, prepare(reference, k), c, own, x, batch, false)
			if !slices.Equal(want[k*len(one):][:len(one)], one) {
				t.Fatalf("part %d of %+v is not that of its weights alone", k, c)
			}
		}
		for _, set := range sets {
			if got := gather(t, kernel.NewParts(set, len(weights), prepare), c, own*len(weights), x, batch, i%4 < 2); !slices.Equal(got, want) {
				t.Fatalf("set %s, %+v, %d parts: %d, want %d", set.Name, c, len(weights), got, want)
			}
		}
	}
}
