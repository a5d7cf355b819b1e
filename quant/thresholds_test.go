// SPDX-License-Identifier: Apache-2.0

package quant

import (
	"math"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
)

// rational returns acc·m + bias exactly.
func rational(acc int64, m float32, bias float64) *big.Rat {
	r := new(big.Rat).SetInt64(acc)
	r.Mul(r, new(big.Rat).SetFloat64(float64(m)))
	return r.Add(r, new(big.Rat).SetFloat64(bias))
}

// TestThresholdsOfOneTermAreExact compares every accumulator's signs with the comparison of rationals: multipliers of
// both signs and 0, bias on and beside the grid, levels that coincide.
func TestThresholdsOfOneTermAreExact(t *testing.T) {
	rng := rand.New(rand.NewPCG(31, 32))
	for range 400 {
		m := float32(rng.NormFloat64()) * float32(math.Ldexp(1, rng.IntN(20)-10))
		switch rng.IntN(8) {
		case 0:
			m = 0
		case 1:
			m = float32(math.Ldexp(1, rng.IntN(9)-4)) * float32(1-2*rng.IntN(2))
		case 2:
			m = math.SmallestNonzeroFloat32
		}
		bound := 1 + rng.Int64N(60)
		bias := rng.NormFloat64() * float64(bound) * math.Abs(float64(m))
		if rng.IntN(2) == 0 { // on the grid: the sum is exactly a level for one accumulator
			bias = float64(m) * float64(rng.Int64N(2*bound+1)-bound)
		}
		levels := []float64{-float64(m) * float64(rng.IntN(3)), 0, 0.5}
		levels[0] = min(levels[0], 0)
		h, err := DeriveThresholds(1, []Term{{M: []float32{m}, MaxAbs: []int64{bound}}}, []float64{bias}, levels)
		if err != nil {
			t.Fatal(err)
		}
		for acc := -bound; acc <= bound; acc++ {
			var want uint8
			for n, l := range levels {
				if rational(acc, m, bias).Cmp(new(big.Rat).SetFloat64(l)) >= 0 {
					want |= 1 << n
				}
			}
			if got := h.Apply(0, acc); got != want {
				t.Fatalf("multiplier %v, bias %v, accumulator %d: signs %b, want %b", m, bias, acc, got, want)
			}
		}
		if want := int64(math.Copysign(1, float64(m))); m != 0 && h.M[0][0] != want {
			t.Fatalf("multiplier %v becomes %d, want its sign", m, h.M[0][0])
		}
		if m == 0 && h.M[0][0] != 0 {
			t.Fatalf("a multiplier of 0 becomes %d", h.M[0][0])
		}
	}
}

// TestThresholdsOfSeveralTerms compares with rationals wherever the multipliers are exact at one shift.
func TestThresholdsOfSeveralTerms(t *testing.T) {
	rng := rand.New(rand.NewPCG(33, 34))
	for range 400 {
		var terms []Term
		for range 2 + rng.IntN(3) {
			terms = append(terms, Term{M: []float32{float32(rng.IntN(2001)-1000) / 256}, MaxAbs: []int64{1 + rng.Int64N(500)}})
		}
		bias := float64(rng.IntN(4001)-2000) / 512
		h, err := DeriveThresholds(1, terms, []float64{bias}, []float64{-1, 0.5})
		if err != nil {
			t.Fatal(err)
		}
		for range 100 {
			acc, sum := make([]int64, len(terms)), new(big.Rat).SetFloat64(bias)
			for i, term := range terms {
				acc[i] = rng.Int64N(2*term.MaxAbs[0]+1) - term.MaxAbs[0]
				sum.Add(sum, rational(acc[i], term.M[0], 0))
			}
			var want uint8
			for n, l := range []float64{-1, 0.5} {
				if sum.Cmp(new(big.Rat).SetFloat64(l)) >= 0 {
					want |= 1 << n
				}
			}
			if got := h.Apply(0, acc...); got != want {
				t.Fatalf("%v, bias %v, accumulators %d: signs %b, want %b", terms, bias, acc, got, want)
			}
		}
	}
}

func TestDeriveThresholdsRefuses(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	good := []Term{{M: []float32{1}, MaxAbs: []int64{10}}}
	for _, c := range []struct {
		name   string
		terms  []Term
		bias   []float64
		levels []float64
		want   string
	}{
		{"NaN multiplier", []Term{{M: []float32{nan}, MaxAbs: []int64{10}}}, nil, []float64{0}, "not finite"},
		{"infinite multiplier", []Term{{M: []float32{inf}, MaxAbs: []int64{10}}}, nil, []float64{0}, "not finite"},
		{"NaN bias", good, []float64{math.NaN()}, []float64{0}, "not finite"},
		{"infinite level", good, nil, []float64{math.Inf(1)}, "not finite"},
		{"falling levels", good, nil, []float64{1, 0}, "do not rise"},
		{"wide accumulator", []Term{{M: []float32{1}, MaxAbs: []int64{1 << 31}}}, nil, []float64{0}, "int32"},
		{"no terms", nil, nil, []float64{0}, "without terms"},
	} {
		if _, err := DeriveThresholds(1, c.terms, c.bias, c.levels); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
	}
}
