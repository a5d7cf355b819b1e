// SPDX-License-Identifier: Apache-2.0

package infer

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/goqat/goqat/fixed"
	"github.com/goqat/goqat/infer/internal/kernel"
)

// TestRising wants weights with the other sign, with the epilogue for them, to make the codes that they made, and no negative
// multiplier but where a weight is -128.
func TestRising(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	const taps, channels = 9, 6
	for round := range 100 {
		weights := make([]int8, taps*channels)
		for i := range weights {
			weights[i] = int8(rng.IntN(255) - 127)
		}
		weights[(channels-1)*taps+rng.IntN(taps)] = -128
		r := &fixed.Requantizer{Hi: 255, Zero: rng.Int32N(256), Bias: make([]int64, channels), AccBias: make([]int32, channels), Shift: slices.Repeat([]uint8{36}, channels), M: [][]int64{make([]int64, channels)}}
		e := kernel.Epilogue{Channels: channels, R: r, Terms: []kernel.Term{{Bits: 20}}}
		if round%2 == 1 {
			e.Terms, e.Others = append(e.Terms, kernel.Term{Codes: true}), []int{0}
			r.M = append(r.M, make([]int64, channels))
		}
		for c := range channels {
			r.Bias[c], r.AccBias[c] = rng.Int64N(1<<40)-1<<39, rng.Int32N(2000)-1000
			for _, m := range r.M {
				m[c] = rng.Int64N(1<<25) - 1<<24
			}
		}
		r.M[0][0], r.M[0][channels-1] = -1<<20, -1<<20
		before, first := e, slices.Clone(weights)
		before.Terms = slices.Clone(e.Terms)
		turned := rising(&e, weights)
		if !slices.Equal(weights, first) || e.R == before.R || e.Terms[0].Bits != 21 {
			t.Fatal("the epilogue is as it was, or weights that others share are not")
		}
		for c := range channels {
			if m := e.R.M[0][c]; m < 0 && c < channels-1 || m >= 0 && c == channels-1 {
				t.Fatalf("channel %d: multiplier %d", c, m)
			}
			for range 20 {
				sum, own := int64(0), int64(0)
				for k := range taps {
					q := rng.Int64N(256)
					sum, own = sum+q*int64(weights[c*taps+k]), own+q*int64(turned[c*taps+k])
				}
				want, got := []int64{sum}, []int64{own}
				if len(e.Terms) > 1 {
					q := rng.Int64N(256)
					want, got = append(want, q), append(got, q)
				}
				if want, got := before.R.Apply(c, want...), e.R.Apply(c, got...); got != want {
					t.Fatalf("channel %d: code %d, want %d", c, got, want)
				}
			}
		}
	}
	e := kernel.Epilogue{Channels: 1, R: &fixed.Requantizer{M: [][]int64{{1 << 23}}, Bias: []int64{0}, AccBias: []int32{0}, Shift: []uint8{36}}, Terms: []kernel.Term{{Bits: 20}}}
	if r := e.R; len(rising(&e, []int8{3})) != 1 || e.R != r {
		t.Error("multipliers that are not negative are changed")
	}
}
