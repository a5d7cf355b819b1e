// SPDX-License-Identifier: Apache-2.0

package ste_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/goqat/goqat/ste"
)

// TestOnline compares the values with the written formula in float64, wants no value further than half a step from its
// own, and 0 to stay 0.
func TestOnline(t *testing.T) {
	rng := rand.New(rand.NewPCG(51, 52))
	for range 2000 {
		o := ste.Online{Bits: 2 + rng.IntN(7), Signed: rng.IntN(2) == 0}
		x := make([]float32, 1+rng.IntN(70))
		size := math.Ldexp(1, rng.IntN(40)-20)
		for i := range x {
			x[i] = float32(rng.NormFloat64() * size)
			if !o.Signed {
				x[i] = max(0, x[i])
			}
		}
		x[rng.IntN(len(x))] = 0
		z := float64(o.ZeroPoint())
		above := float64(int(1)<<o.Bits-1) - z
		var step float64
		for _, v := range x {
			step = max(step, float64(v)/above)
			if o.Signed {
				step = max(step, -float64(v)/z)
			}
		}
		y := make([]float32, len(x))
		o.ForwardImage(y, x)
		for i, v := range x {
			got := float64(y[i])
			if step == 0 || v == 0 {
				if got != 0 {
					t.Fatalf("%+v: %v of %v became %v", o, v, x, got)
				}
				continue
			}
			q := math.RoundToEven(float64(v) / step)
			if near := math.Abs(math.Abs(float64(v)/step-math.Trunc(float64(v)/step))-0.5) < 1e-4; math.Abs(got-step*q) > 1e-5*step*(1+math.Abs(q)) && !near {
				t.Fatalf("%+v: %v of step %v became %v, want %v", o, v, step, got, step*q)
			}
			if math.Abs(got-float64(v)) > 0.5001*step {
				t.Fatalf("%+v: %v of step %v became %v", o, v, step, got)
			}
		}
		dy, dx := []float32{1, -2, float32(math.Inf(1))}, make([]float32, 3)
		if o.Backward(dx, dy); dx[0] != 1 || dx[1] != -2 || dx[2] != dy[2] {
			t.Fatalf("the gradient %v became %v", dy, dx)
		}
	}
}
