// SPDX-License-Identifier: Apache-2.0

package qat_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/qat"
)

// TestRectifiers have the same gradients, bit for bit, with a ReLU before them
// and without.
func TestRectifiers(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	found := 0
	for _, m := range qat.Methods() {
		for _, signed := range []bool{false, true} {
			if !slices.Contains(m.Info().ActivationBits, 4) || m.Info().Signs {
				continue
			}
			pool := graph.NewPool(1)
			q := m.Activation(graph.New(1, pool), "a", qat.Options{Bits: 4, Signed: signed, Size: 100})
			pool.Close()
			r, ok := q.(graph.Rectifier)
			if !ok || !r.Rectifies() {
				continue
			}
			found++
			if signed {
				t.Errorf("%s: a tensor with negative values is not rectified", m.Info().Name)
			}
			q.Begin(&graph.Run{})
			src, relu, dy := make([]float32, 1003), make([]float32, 1003), make([]float32, 1003)
			for i := range src {
				src[i], dy[i] = float32(4*rng.NormFloat64()), float32(rng.NormFloat64())
				relu[i] = max(src[i], 0)
			}
			src[5], relu[5] = float32(math.Copysign(0, -1)), 0
			want, got := make([]float32, len(src)), make([]float32, len(src))
			wantGrad, gotGrad := make([]float64, len(q.Params())), make([]float64, len(q.Params()))
			q.Backward(want, relu, dy, wantGrad)
			for i, x := range src {
				if !(x > 0) {
					want[i] = 0
				}
			}
			q.Backward(got, src, dy, gotGrad)
			if !slices.Equal(got, want) || !slices.Equal(gotGrad, wantGrad) || gotGrad[0] == 0 {
				t.Errorf("%s: other gradients without the ReLU: %v and %v", m.Info().Name, gotGrad, wantGrad)
			}
		}
	}
	if found < 2 {
		t.Errorf("%d methods rectify", found)
	}
}
