// SPDX-License-Identifier: Apache-2.0

package ste_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/goqat/goqat/ste"
)

// TestHGQGradients compares with central differences, in float64, of the function whose
// gradient the formulas are: rounding errors and the choice of what is clamped are those
// of the point, and the width is a real number.
func TestHGQGradients(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for width := 2; width <= 8; width++ {
		for _, signed := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d bits, signed %v", width, signed), func(t *testing.T) {
				const alpha = 1.7
				most := func(b float64) float64 {
					if signed {
						return math.Exp2(b-1) - 1
					}
					return math.Exp2(b) - 1
				}
				m := most(float64(width))
				h := ste.HGQ{Step: float32(alpha / m), Most: float32(m)}
				if signed {
					h.Least = -h.Most
				}
				x, dy := make([]float32, 500), make([]float32, 500)
				for i := range x {
					x[i], dy[i] = float32(1.5*rng.NormFloat64()), float32(rng.NormFloat64())
				}
				loss := func(alpha, b float64) (sum float64) {
					s, s0 := alpha/most(b), float64(h.Step)
					for i, v := range x {
						y, u := 0.0, float64(v)/s0
						switch {
						case u >= m:
							y = alpha
						case signed && u <= -m:
							y = -alpha
						case !signed && u <= 0:
						default:
							y = float64(v) + s*(math.RoundToEven(u)-u)
						}
						sum += float64(dy[i]) * y
					}
					return sum
				}
				dx := make([]float32, len(x))
				dclip, dwidth := h.Backward(dx, x, dy)
				const d = 1e-5
				if want := (loss(alpha, float64(width)+d) - loss(alpha, float64(width)-d)) / (2 * d); math.Abs(dwidth-want) > 1e-5*(1+math.Abs(want)) {
					t.Errorf("by the width %v, want %v", dwidth, want)
				}
				// The step has no part in the gradient by the clip, as in PACT.
				want := 0.0
				for i, v := range x {
					u := float64(v) / float64(h.Step)
					pass := float32(0)
					switch {
					case u >= m:
						want += float64(dy[i])
					case signed && u <= -m:
						want -= float64(dy[i])
					case u > float64(h.Least):
						pass = dy[i]
					}
					if dx[i] != pass {
						t.Errorf("%v: by the value %v, want %v", v, dx[i], pass)
					}
				}
				if math.Abs(dclip-want) > 1e-6*float64(len(x)) {
					t.Errorf("by the clip %v, want %v", dclip, want)
				}
			})
		}
	}
}
