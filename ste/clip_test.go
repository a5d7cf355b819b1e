// SPDX-License-Identifier: Apache-2.0

package ste_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/goqat/goqat/ste"
)

// TestClipFormula compares with the formulas of DoReFa and WRPN as printed:
// RNE(n·clip(x, lo, 1))/n, and a gradient that passes at the limits too.
func TestClipFormula(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, n := range []float32{1, 3, 7, 15, 127, 255} {
		for _, lo := range []float32{0, -1} {
			t.Run(fmt.Sprintf("%v levels from %v", n, lo), func(t *testing.T) {
				c := &ste.Clip{Scale: 1 / n, Least: lo * n, Most: n}
				x := edges(1/n, int32(lo*n), int32(n), rng)
				x = append(x, 1, lo, math.Nextafter32(1, 0), math.Nextafter32(1, 2), math.Nextafter32(lo, -2), math.Nextafter32(lo, 2))
				slices.Sort(x)
				dy, y, dx := make([]float32, len(x)), make([]float32, len(x)), make([]float32, len(x))
				c.Forward(y, x)
				for i := range dy {
					dy[i] = float32(rng.NormFloat64())
				}
				c.Backward(dx, x, dy)
				codes := make([]int16, len(x))
				c.Codes(codes, x)
				for i, v := range x {
					code := math.RoundToEven(float64(min(max(v, lo), 1) / c.Scale))
					if float64(codes[i]) != code || y[i] != float32(code)*c.Scale {
						t.Errorf("%v became the code %d and %v, want %v", v, codes[i], y[i], code)
					}
					want := float32(0)
					if lo*n*c.Scale <= v && v <= n*c.Scale {
						want = dy[i]
					}
					if dx[i] != want {
						t.Errorf("the gradient at %v is %v, want %v", v, dx[i], want)
					}
				}
				if !slices.IsSorted(y) {
					t.Error("not monotone")
				}
				again := slices.Clone(y)
				c.Forward(again, again)
				sameBits(t, "value again", x, again, y)
				c.Backward(dy, x, dy)
				sameBits(t, "gradient in place", x, dy, dx)
			})
		}
	}
}
