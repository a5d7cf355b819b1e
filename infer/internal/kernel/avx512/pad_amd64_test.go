// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package avx512

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/goqat/goqat/fixed"
	"github.com/goqat/goqat/infer/internal/kernel"
	"github.com/goqat/goqat/infer/internal/kernel/vector"
)

// TestPadSigns compares signs between padding with those of the finisher that makes them, for lines of less than 64 codes and of more.
func TestPadSigns(t *testing.T) {
	if !supported {
		t.Skip("not by this processor")
	}
	rng := rand.New(rand.NewPCG(8, 8))
	for _, channels := range []int{1, 2, 8, 16, 32, 64} {
		for _, width := range []int{1, 3, 8, 17} {
			c := kernel.Conv{InH: 5, InW: width, InC: channels, OutH: 5, OutW: width, OutC: 16, KH: 3, KW: 3, StrideH: 1, StrideW: 1, Top: 1, Left: 1, Groups: 1, Max: 1}
			e := kernel.Epilogue{Channels: channels, Output: 1, Others: []int{0}, Terms: []kernel.Term{{Codes: true, Zero: 100}}}
			e.T = &fixed.Thresholds{M: [][]int64{make([]int64, channels)}, T: [][]int64{make([]int64, channels)}}
			for i := range channels {
				e.T.M[0][i], e.T.T[0][i] = 3-6*rng.Int64N(2), rng.Int64N(200)-150
			}
			bounds, ok := NewSignBounds(&e)
			if !ok {
				t.Fatalf("%d channels have no bounds", channels)
			}
			tensors := []kernel.Tensor{{Codes: make([]uint8, 2*c.InLen()), Zero: 100}, {Codes: make([]uint8, 2*c.InLen())}}
			for i := range tensors[0].Codes {
				tensors[0].Codes[i] = uint8(rng.Uint32())
			}
			rows := 2 * c.InH * c.InW
			kernel.NewFinish(e).Finish(kernel.Tile{Rows: rows, Channels: channels, Stride: channels}, nil, tensors, kernel.NewScratch(kernel.Needs{Sums: channels}))
			b := &vector.Band{C: c, Width: 1, Lines: 5}
			length := b.Height(5) * b.Pitch()
			want, got := make([]uint8, length), make([]uint8, length+PadSlack)
			b.Copy(want, tensors[1].Codes, c.Pixels(), c.Pixels())
			PadSigns(b, got, tensors[0].Codes, c.Pixels(), c.Pixels(), bounds)
			if !slices.Equal(got[:length], want) {
				t.Errorf("%d channels, lines of %d pixels: signs differ", channels, width)
			}
		}
	}
	e := kernel.Epilogue{Channels: 16, Terms: []kernel.Term{{Codes: true}}, T: &fixed.Thresholds{M: [][]int64{slices.Repeat([]int64{1}, 16)}, T: [][]int64{slices.Repeat([]int64{256}, 16)}}}
	if _, ok := NewSignBounds(&e); ok {
		t.Error("signs that are never 1 have bounds")
	}
}
