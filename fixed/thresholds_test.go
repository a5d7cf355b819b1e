// SPDX-License-Identifier: Apache-2.0

package fixed

import (
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestThresholdsAgainstBig compares Apply with the definition in big integers, on accumulators at and inside the
// bounds that Check accepts.
func TestThresholdsAgainstBig(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 22))
	for accepted := 0; accepted < 2000; {
		var h Thresholds
		bounds := make([][]int64, 1+rng.IntN(3))
		for i := range bounds {
			bounds[i] = []int64{rng.Int64N(1 << 31 >> rng.IntN(30))}
			h.M = append(h.M, []int64{int64(rng.Uint64()) >> (1 + rng.IntN(62))})
		}
		for range 1 + rng.IntN(3) {
			h.T = append(h.T, []int64{int64(rng.Uint64()) >> (1 + rng.IntN(62))})
		}
		if h.Check(bounds) != nil {
			continue
		}
		accepted++
		for range 20 {
			acc, sum := make([]int64, len(bounds)), new(big.Int)
			for i := range acc {
				acc[i] = rng.Int64N(2*bounds[i][0]+1) - bounds[i][0]
				if rng.IntN(3) == 0 {
					acc[i] = bounds[i][0] * (1 - 2*rng.Int64N(2))
				}
				sum.Add(sum, new(big.Int).Mul(big.NewInt(acc[i]), big.NewInt(h.M[i][0])))
			}
			var want uint8
			for n := range h.T {
				if sum.Cmp(big.NewInt(h.T[n][0])) >= 0 {
					want += 1 << n
				}
			}
			if got := h.Apply(0, acc...); got != want {
				t.Fatalf("%+v on %d: code %b, want %b", h, acc, got, want)
			}
			if want&(want+1) != 0 {
				t.Fatalf("%+v on %d: code %b is not one of 0, 1, 11, 111", h, acc, want)
			}
		}
	}
}

func TestThresholdsCheck(t *testing.T) {
	one := [][]int64{{10, 10}}
	for _, c := range []struct {
		name   string
		h      Thresholds
		bounds [][]int64
		want   string
	}{
		{"no plane", Thresholds{M: [][]int64{{1, 1}}}, one, "planes"},
		{"nine planes", Thresholds{M: [][]int64{{1, 1}}, T: make([][]int64, 9)}, one, "planes"},
		{"no term", Thresholds{T: [][]int64{{1, 1}}}, nil, "terms"},
		{"terms", Thresholds{M: [][]int64{{1, 1}}, T: [][]int64{{1, 1}}}, append(one, one...), "terms"},
		{"multipliers", Thresholds{M: [][]int64{{1}}, T: [][]int64{{1, 1}}}, one, "1 multipliers"},
		{"thresholds", Thresholds{M: [][]int64{{1, 1}}, T: [][]int64{{1, 1}, {1}}}, one, "1 thresholds"},
		{"falling", Thresholds{M: [][]int64{{1, 1}}, T: [][]int64{{1, 1}, {1, 0}}}, one, "channel 1"},
		{"accumulator", Thresholds{M: [][]int64{{1, 1}}, T: [][]int64{{1, 1}}}, [][]int64{{1, 1 << 31}}, "int32"},
		{"sum", Thresholds{M: [][]int64{{1, 1 << 60}}, T: [][]int64{{1, 1}}}, one, "2^62"},
		{"threshold", Thresholds{M: [][]int64{{1, 1}}, T: [][]int64{{1, 1 << 62}}}, one, "2^62"},
	} {
		if err := c.h.Check(c.bounds); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
	}
}
