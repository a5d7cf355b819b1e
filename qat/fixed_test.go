// SPDX-License-Identifier: Apache-2.0

package qat_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/qat"
)

// TestFixedRangesStayAsGiven: scales and ranges that are given survive the start of
// quantization and whatever is observed; a scale that is not given becomes that of
// the greatest weight.
func TestFixedRangesStayAsGiven(t *testing.T) {
	pool := graph.NewPool(1)
	defer pool.Close()
	g := graph.New(1, pool)
	method := qat.Int{FixedRanges: true}
	rng := rand.New(rand.NewPCG(1, 2))
	w := make([]float32, 3*8)
	for i := range w {
		w[i] = float32(rng.NormFloat64())
	}
	q := method.Weights(g, "w", qat.Options{Bits: 4}, []int{3, 8}).(qat.Scaled)
	q.Scales()[1] = 0.25
	q.Start(w)
	codes := make([]int16, len(w))
	scales := q.Integers(codes, w)
	if scales[1] != 0.25 || slices.Max(codes[:8])-slices.Min(codes[:8]) < 7 || max(slices.Max(codes[:8]), -slices.Min(codes[:8])) != 7 {
		t.Errorf("scales %v, codes %v", scales, codes)
	}
	for i := range w {
		w[i] *= 3
	}
	q.Start(w)
	if again := q.Integers(codes, w); !slices.Equal(again, scales) {
		t.Errorf("scales %v became %v", scales, again)
	}

	a := method.Activation(g, "x", qat.Options{Bits: 8}).(qat.Ranged)
	a.SetRange(0, 2.55)
	a.(qat.Restarter).Restart()
	a.Observe(&graph.Run{}, graph.Stats{Min: -7, Max: 100})
	if got := a.Quantization(); got.Scale != float32(2.55)/255 || got.ZeroPoint != 0 {
		t.Errorf("quantization %+v", got)
	}
}
