// SPDX-License-Identifier: Apache-2.0

package infer

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/goqat/goqat/fixed"
	"github.com/goqat/goqat/infer/internal/kernel"
)

// TestPowered wants weights times a power of two, with the epilogue for them, to make the codes that they made, and multipliers
// of less than 2^30 at a shift of 32.
func TestPowered(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	for round := range 200 {
		const taps, channels = 36, 5
		weights, terms := make([]int8, taps*channels), 1+round%2
		for i := range weights {
			weights[i] = int8(rng.IntN(4)) - 2
		}
		r := &fixed.Requantizer{Hi: 3, Zero: rng.Int32N(3), Bias: make([]int64, channels), AccBias: make([]int32, channels), Shift: make([]uint8, channels)}
		e := kernel.Epilogue{Channels: channels, R: r, Terms: []kernel.Term{{Bits: 10}}}
		for i := range terms {
			r.M = append(r.M, make([]int64, channels))
			if i > 0 {
				e.Terms, e.Others = append(e.Terms, kernel.Term{Codes: true}), []int{0}
			}
		}
		for c := range channels {
			r.Shift[c], r.Bias[c], r.AccBias[c] = uint8(23+rng.IntN(5)), rng.Int64N(1<<26)-1<<25, rng.Int32N(20)-10
			for i := range terms {
				r.M[i][c] = rng.Int64N(1<<25) - 1<<24
			}
		}
		r.M[0][0], r.Shift[0] = 1<<24-1, 23
		before := e
		scaled := powered(&e, weights)
		if e.R == before.R || slices.Equal(scaled, weights) || e.Terms[0].Bits != 13 {
			t.Fatal("weights and multipliers are as they were")
		}
		for range 50 {
			c, sum, own := rng.IntN(channels), int64(0), int64(0)
			for k := range taps {
				q := rng.Int64N(4)
				sum, own = sum+q*int64(weights[k*channels+c]), own+q*int64(scaled[k*channels+c])
			}
			want, got := []int64{sum}, []int64{own}
			if terms > 1 {
				q := rng.Int64N(4)
				want, got = append(want, q), append(got, q)
			}
			if want, got := before.R.Apply(c, want...), e.R.Apply(c, got...); got != want {
				t.Fatalf("channel %d: code %d, want %d", c, got, want)
			}
			if m := max(e.R.M[0][c], -e.R.M[0][c]); m<<(32-e.R.Shift[c]) >= 1<<30 {
				t.Fatalf("channel %d: multiplier %d at shift %d", c, m, e.R.Shift[c])
			}
		}
	}
	e := kernel.Epilogue{Channels: 1, R: &fixed.Requantizer{M: [][]int64{{1 << 23}}, Bias: []int64{0}, AccBias: []int32{0}, Shift: []uint8{36}}, Terms: []kernel.Term{{Bits: 20}}}
	if r := e.R; len(powered(&e, []int8{3})) != 1 || e.R != r {
		t.Error("multipliers that fit are changed")
	}
}
