// SPDX-License-Identifier: Apache-2.0

package qat_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/internal/kernel"
	"github.com/goqat/goqat/qat"
)

// TestGates compares the gradients of quantizers that gate with those of a gate, bit for bit.
func TestGates(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	learned := 0
	for _, m := range qat.Methods() {
		for _, signed := range []bool{false, true} {
			if !slices.Contains(m.Info().ActivationBits, 4) || m.Info().Signs {
				continue
			}
			pool := graph.NewPool(1)
			q := m.Activation(graph.New(1, pool), "a", qat.Options{Bits: 4, Signed: signed, Size: 128})
			pool.Close()
			gated, ok := q.(graph.Gated)
			if !ok {
				continue
			}
			q.Observe(&graph.Run{Pass: graph.Pass{Calibrate: true}}, graph.Stats{Min: -1, Max: 3, Count: 128, Sum: 64, SumAbs: 128, SumSquares: 200})
			q.Begin(&graph.Run{})
			g := kernel.Gate{Scale: []float32{1, 1, 1, 1, 1, 1, 1, 1}, Shift: make([]float32, 8)}
			if g.Limits, ok = gated.Gate(); !ok {
				continue
			}
			src, dy, want := make([]float32, 1024), make([]float32, 1024), make([]float32, 1024)
			for i := range src {
				src[i], dy[i] = float32(2*rng.NormFloat64()), float32(rng.NormFloat64())
			}
			wantGrad, grad := make([]float64, len(q.Params())), make([]float64, len(q.Params()))
			q.Backward(want, src, dy, wantGrad)
			gated.Spill(g.StoreSpills(dy, src, nil, dy), grad)
			if !slices.Equal(dy, want) || !slices.Equal(grad, wantGrad) {
				t.Errorf("%s, signed %v: a gate gives other gradients: %v, want %v", m.Info().Name, signed, grad, wantGrad)
			}
			learned += len(grad)
		}
	}
	if learned < 4 {
		t.Errorf("%d learned values", learned)
	}
}
