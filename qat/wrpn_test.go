// SPDX-License-Identifier: Apache-2.0

package qat_test

import (
	"math"
	"testing"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/qat"
)

// TestWRPNWeights follows the paper's formula in the unit 1, and scales it with
// the unit that is kept from the start.
func TestWRPNWeights(t *testing.T) {
	for bits := 2; bits <= 8; bits++ {
		n := math.Exp2(float64(bits-1)) - 1
		q := method(t, "wrpn").Weights(graph.New(1, graph.NewPool(1)), "w", qat.Options{Bits: bits}, []int{4, 50})
		unit := q.State()[0]
		if unit.Name != "w.unit" || unit.Data[0] != 1 {
			t.Fatalf("state %+v", unit)
		}
		w := append(normal(198, 0.7, 1), 1, -1)
		dw, dy := make([]float32, len(w)), normal(200, 1, 2)
		for _, deviation := range []float32{0.7, 0.035} {
			if deviation < 0.7 {
				for i := range w {
					w[i] *= 0.05
				}
				q.Start(w)
				if unit.Data[0] > 0.15 || unit.Data[0] < 0.04 {
					t.Errorf("%d bits: the unit of weights with deviation %v is %v", bits, deviation, unit.Data[0])
				}
			}
			u := float64(unit.Data[0])
			y, codes := make([]float32, len(w)), make([]int16, len(w))
			q.Forward(y, w)
			q.Backward(dw, w, dy, nil)
			scale := q.Integers(codes, w)
			for i, v := range w {
				code := math.RoundToEven(float64(min(max(v, -unit.Data[0]), unit.Data[0]) / scale[0]))
				if float64(codes[i]) != code || math.Abs(code) > n || !near(float64(y[i]), u*code/n) && code != 0 {
					t.Fatalf("unit %v: weight %v has the code %d and became %v, want %v", u, v, codes[i], y[i], code)
				}
				passes := max(v, -v) <= scale[0]*float32(n)
				if (dw[i] != 0) != passes || passes && dw[i] != dy[i] {
					t.Errorf("unit %v: the gradient at %v is %v of %v", u, v, dw[i], dy[i])
				}
			}
		}
	}
}
