// SPDX-License-Identifier: Apache-2.0

package quant

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestLogitsAreAsFineAsInt32Holds draws last layers: the scale is 2^-k of the greatest accumulator's, no logit reaches
// 2^31, and at the next finer scale one could, unless k is 8.
func TestLogitsAreAsFineAsInt32Holds(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 1))
	var found [finestLogits + 1]int
	for range 3000 {
		const channels = 3
		accScale, bias := make([]float32, channels), make([]float64, channels)
		most := make([]int64, channels)
		var whole float32
		for c := range channels {
			accScale[c] = float32(math.Exp(4*rng.NormFloat64()) * 1e-3)
			bias[c] = rng.NormFloat64() * math.Exp(2*rng.NormFloat64())
			most[c] = rng.Int64N(1 << (5 + rng.IntN(27)))
			whole = max(whole, accScale[c])
		}
		terms := func(scale float32) ([]Term, error) {
			m := make([]float32, channels)
			for c := range m {
				m[c] = accScale[c] / scale
			}
			return []Term{{M: m, MaxAbs: most}}, nil
		}
		r, scale, err := DeriveLogits(channels, terms, Bias{Real: bias, AccScale: accScale}, accScale)
		if err != nil {
			continue
		}
		k := int(math.Round(math.Log2(float64(whole / scale))))
		if k < 0 || k > finestLogits || scale != float32(math.Ldexp(float64(whole), -k)) {
			t.Fatalf("scale %v of accumulators of %v", scale, whole)
		}
		found[k]++
		bound := r.Bound([][]int64{most})
		for c := range channels {
			for _, acc := range []int64{most[c], -most[c]} {
				if q := int64(r.Apply(c, acc)); q > bound || -q > bound {
					t.Fatalf("logit %d of accumulator %d, bound %d", q, acc, bound)
				}
			}
		}
		if k > 0 && bound > math.MaxInt32 {
			t.Fatalf("k = %d: logits of up to %d", k, bound)
		}
		if k == finestLogits {
			continue
		}
		finer, _ := terms(float32(math.Ldexp(float64(whole), -k-1)))
		if r, err := Derive(channels, finer, Bias{Real: bias, AccScale: accScale}, Params{Scale: float32(math.Ldexp(float64(whole), -k-1))}, math.MinInt32, math.MaxInt32); err == nil && r.Bound([][]int64{most}) <= math.MaxInt32 {
			t.Fatalf("k = %d, though %d fits", k, k+1)
		}
	}
	for k, n := range found {
		if n == 0 {
			t.Errorf("no layer had k = %d", k)
		}
	}
}

func TestLogitScaleOfZeros(t *testing.T) {
	terms := func(float32) ([]Term, error) { return []Term{{M: []float32{0}, MaxAbs: []int64{100}}}, nil }
	_, scale, err := DeriveLogits(1, terms, Bias{Real: []float64{1}, AccScale: []float32{0}}, []float32{0})
	if err != nil || scale != 1.0/256 {
		t.Errorf("scale %v, %v, want 2^-8", scale, err)
	}
}
