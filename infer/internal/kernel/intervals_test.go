// SPDX-License-Identifier: Apache-2.0

package kernel_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/goqat/goqat/fixed"
	"github.com/goqat/goqat/infer/internal/kernel"
)

// TestIntervals compares numbers at and around the ends of intervals with the products.
func TestIntervals(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	for range 20000 {
		m, level := rng.Int64N(1<<25)>>rng.IntN(25), rng.Int64N(1<<58)>>rng.IntN(58)
		if rng.IntN(2) == 0 {
			m = -m
		}
		if rng.IntN(2) == 0 {
			level = -level
		}
		from, to := kernel.Interval(m, level)
		for _, acc := range []int64{math.MinInt32, math.MinInt32 + 1, -1, 0, 1, math.MaxInt32 - 1, math.MaxInt32, from - 1, from, from + 1, to - 1, to, to + 1} {
			if acc < math.MinInt32 || acc > math.MaxInt32 {
				continue
			}
			if inside := uint64(acc-from) <= uint64(to-from); inside != (acc*m >= level) {
				t.Fatalf("%d·%d >= %d, but [%d, %d]", acc, m, level, from, to)
			}
		}
	}
}

// TestIntervalsAgree compares the finisher with that of several terms.
func TestIntervalsAgree(t *testing.T) {
	rng := rand.New(rand.NewPCG(13, 14))
	for range 100 {
		intervalsAgree(t, rng)
	}
}

// intervalsAgree draws thresholds and compares every fast finisher with that of several terms.
func intervalsAgree(t *testing.T, rng *rand.Rand) {
	t.Helper()
	channels, rows, planes := 1+rng.IntN(40), 1+rng.IntN(9), 1+rng.IntN(4)
	stride := channels + rng.IntN(16)
	e := kernel.Epilogue{Channels: channels, Terms: make([]kernel.Term, 1), T: &fixed.Thresholds{M: [][]int64{make([]int64, channels)}}}
	for c := range channels {
		e.T.M[0][c] = rng.Int64N(201) - 100
	}
	for range planes {
		levels := make([]int64, channels)
		for c := range levels {
			levels[c] = rng.Int64N(20001) - 10000
		}
		e.T.T = append(e.T.T, levels)
	}
	acc := make([]int32, rows*stride)
	for i := range acc {
		acc[i] = rng.Int32N(401) - 200
	}
	run := func(f kernel.Finisher) []uint8 {
		tensors := []kernel.Tensor{{Codes: slices.Repeat([]uint8{0xa5}, rows*channels)}}
		f.Finish(kernel.Tile{Rows: rows, Channels: channels, Stride: stride}, acc, tensors, kernel.NewScratch(f.Needs()))
		return tensors[0].Codes
	}
	sets, _ := fast()
	want := run(kernel.Reference.Finish(e))
	for _, set := range sets {
		if got := run(set.Compare(e)); !slices.Equal(got, want) {
			t.Fatalf("set %s: %d, want %d", set.Name, got, want)
		}
	}
}
