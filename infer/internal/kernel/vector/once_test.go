// SPDX-License-Identifier: Apache-2.0

package vector

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/goqat/goqat/fixed"
)

// TestRoundOnce compares the one shift with the rounding of fixed for all accumulators of few bits, with constants that
// make one of them a tie.
func TestRoundOnce(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	done, ties := 0, 0
	for range 2000 {
		width, shift := 2+rng.IntN(8), uint8(1+rng.IntN(40))
		m := (rng.Int64N(1<<rng.IntN(28)) + 1) * int64(1-2*rng.IntN(2)) << rng.IntN(4)
		tie := rng.Int64N(1<<width) - 1<<(width-1)
		constant := rng.Int64N(64)<<shift + 1<<(shift-1) - tie*m
		if rng.IntN(4) == 0 {
			constant += rng.Int64N(5) - 2
		}
		once, ok := RoundOnce(m, constant, shift, width)
		if !ok {
			continue
		}
		done++
		if once.Shift < 32 || once.Multiplier != int64(int32(once.Multiplier)) {
			t.Fatalf("%d·a + %d, shift %d: %+v", m, constant, shift, once)
		}
		for a := -int64(1) << (width - 1); a < 1<<(width-1); a++ {
			if (a*m+constant)&(1<<shift-1) == 1<<(shift-1) {
				ties++
			}
			want := int64(fixed.Requantize(a*m+constant, shift, 0, math.MinInt32, math.MaxInt32))
			if got := (a*once.Multiplier + once.Constant) >> once.Shift; got != want {
				t.Fatalf("(%d·%d + %d)·2^-%d rounds to %d by %+v, want %d", a, m, constant, shift, got, once, want)
			}
		}
	}
	if done < 500 || ties < 200 {
		t.Errorf("%d constants and %d ties", done, ties)
	}
}
