// SPDX-License-Identifier: Apache-2.0

package kernel_test

import (
	"math/rand/v2"
	"testing"

	"github.com/goqat/goqat/fixed"
	"github.com/goqat/goqat/infer/internal/kernel"
)

// TestShorts compares short forms with the requantizer, and wants most channels as networks have them to have one.
func TestShorts(t *testing.T) {
	rng := rand.New(rand.NewPCG(17, 18))
	const rounds = 1000
	found := 0
	for range rounds {
		found += shortsAgree(t, rng)
	}
	if found < rounds*19/20 {
		t.Errorf("%d channels of %d have a short form", found, rounds)
	}
}

// shortsAgree draws the requantizer of a channel and compares its short form, if it has one, for all sums that there can be. It returns
// the number of forms.
func shortsAgree(t *testing.T, rng *rand.Rand) int {
	t.Helper()
	width := 5 + rng.IntN(13)
	hi := int32(1)<<(1+rng.IntN(4)) - 1
	start := rng.Int32N(1<<width) >> rng.IntN(width+1)
	shift := uint8(20 + rng.IntN(20))
	m := int64(hi+1) << shift >> (width - 1) // all codes in half of the sums
	m = min(m*(256+rng.Int64N(1<<10))>>rng.IntN(11), 1<<(shift-2)-1) | 1
	if rng.IntN(8) == 0 {
		m = max(m>>(shift-10), 1) << (shift - 10) // ties
	}
	if rng.IntN(2) == 0 {
		m = -m
	}
	r := &fixed.Requantizer{Zero: rng.Int32N(hi + 1), Hi: hi, M: [][]int64{{m}}, Bias: []int64{rng.Int64N(8<<shift) - 4<<shift}, AccBias: []int32{rng.Int32N(9) - 4}, Shift: []uint8{shift}}
	e := kernel.Epilogue{Channels: 1, R: r, Terms: []kernel.Term{{Bits: width}}}
	forms := e.Shorts([]int32{start})
	if forms == nil {
		return 0
	}
	for acc := int64(-1) << (width - 1); acc < 1<<(width-1); acc++ {
		sum := acc - int64(start)
		want := int64(r.Apply(0, acc))
		if got := forms[0].Code(sum, hi); got != want {
			t.Fatalf("%+v, start %d, %d bits: code of %d is %d by %+v, want %d", r, start, width, sum, got, forms[0], want)
		}
		cut := int64(fixed.Clamp(sum, -1<<15, 1<<15-1))
		if got := forms[0].Code(cut, hi); got != want {
			t.Fatalf("%+v, start %d, %d bits: code of %d, cut, is %d by %+v, want %d", r, start, width, sum, got, forms[0], want)
		}
	}
	return 1
}
