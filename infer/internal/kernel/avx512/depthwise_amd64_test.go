// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package avx512

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/goqat/goqat/fixed"
	"github.com/goqat/goqat/infer/internal/kernel"
)

// TestDepthwiseTable wants every lane of a block's table to have the numbers of its channel,
// in blocks of 16, 32 and 64 codes. It runs no instruction of AVX-512.
func TestDepthwiseTable(t *testing.T) {
	for _, l := range []struct{ channels, width int }{
		{16, 64}, {32, 64}, {48, 16}, {64, 64}, {80, 16}, {96, 32}, {128, 64}, {16, 16},
	} {
		t.Run(fmt.Sprintf("%d channels", l.channels), func(t *testing.T) {
			side := 8
			if l.channels == l.width {
				side = 7 // whose lines no wider block divides
			}
			c := kernel.Conv{InH: side, InW: side, InC: l.channels, OutH: side, OutW: side, OutC: l.channels, KH: 3, KW: 3,
				StrideH: 1, StrideW: 1, Top: 1, Left: 1, Groups: l.channels, Max: 255}
			r := &fixed.Requantizer{Hi: 255, M: [][]int64{nil}, AccBias: make([]int32, c.OutC)}
			for o := range c.OutC {
				r.M[0] = append(r.M[0], 1<<23+int64(2*o)+1)
				r.Bias, r.Shift = append(r.Bias, int64(o)<<40), append(r.Shift, uint8(36+o%3))
			}
			f := newFinish(kernel.Epilogue{Channels: c.OutC, R: r, Terms: []kernel.Term{{Bits: 28}}})
			p := newDepthwise(c, make([]int8, c.OutC*9)).(*depthwisePlan)
			for o := range p.Start {
				p.Start[o] = int32(o) - 9
			}
			d, ok := p.Fuse(f).(*depthwiseCodes)
			if !ok || d.width != l.width {
				t.Fatalf("blocks of %d codes, want %d", d.width, l.width)
			}
			each := d.width / 4 // lanes of a vector, each of 4 codes
			table := d.table
			for first := 0; first < d.blocks*d.width; first += d.width {
				for v := range 4 {
					checkLanes(t, d, p.Start, table[:2*each], func(lane int) int { return d.channel(first, v, lane) })
					table = table[2*each:]
				}
				for word := range 4 * each { // of each 8, four are of a vector, and four of the next
					v, lane := word/(2*each)*2+word/4%2, word%(2*each)/8*4+word%4
					if got, want := table[word/4]>>(word%4*16)&0xffff, int64(d.finish.R.Shift[d.channel(first, v, lane)])-32; got != want {
						t.Errorf("word %d: shift %d, want %d", word, got, want)
					}
				}
				for _, n := range table[each:][:2*each] {
					if n != 0 || d.shifts != 1 {
						t.Errorf("a shift of %d before words", n)
					}
				}
				table = table[3*each:]
			}
			if len(table) != 0 {
				t.Errorf("%d numbers are left over", len(table))
			}
		})
	}
}

// checkLanes checks the table of a vector: multipliers of even lanes twice, those of odd
// ones twice, constants of even and of odd lanes, shifts.
func checkLanes(t *testing.T, d *depthwiseCodes, start []int32, table []int64, channel func(lane int) int) {
	t.Helper()
	each := d.width / 4
	narrow := func(at, lane int) int64 { return int64(int32(table[at+lane/2] >> (lane % 2 * 32))) }
	for lane := range each {
		c := channel(lane)
		r := d.finish.R
		even, odd := channel(lane), channel(lane|1)
		if m := narrow(0, lane); m != r.M[0][even] {
			t.Errorf("lane %d: multiplier %d, want that of channel %d", lane, m, even)
		}
		if m := narrow(each/2, lane); m != r.M[0][odd] {
			t.Errorf("lane %d: odd multiplier %d, want that of channel %d", lane, m, odd)
		}
		b := &d.finish.blocks[c/lanes]
		want := b.constant[c%lanes] - b.down[c%lanes] + int64(start[c])*r.M[0][c] // the zero point is 0
		if got := table[each+lane%2*each/2+lane/2]; got != want {
			t.Errorf("lane %d: constant %d, want %d of channel %d", lane, got, want, c)
		}
	}
}

// TestDepthwiseImages compares 3 × 3 layers with portable Go: those that read the image itself, at all its edges, in images of a few
// pixels and in bands, and those that have pairs of pixels in a block.
func TestDepthwiseImages(t *testing.T) {
	if !supported {
		t.Skip("no AVX-512 VNNI")
	}
	rng := rand.New(rand.NewPCG(1, 1))
	for _, l := range []struct{ height, width, channels, stride int }{
		{1, 1, 64, 1}, {2, 1, 64, 1}, {1, 2, 128, 1}, {2, 2, 512, 1}, {3, 3, 64, 1}, {4, 4, 256, 1}, {5, 7, 128, 1}, {8, 6, 64, 1}, {90, 80, 64, 1},
		{2, 4, 32, 2}, {8, 8, 32, 2}, {9, 12, 32, 2}, {32, 32, 32, 2}, {2, 2, 64, 2}, {1, 2, 128, 2}, {8, 8, 128, 2}, {5, 6, 64, 2}, {90, 80, 64, 2},
	} {
		const batch, zero = 2, 77
		c := kernel.Conv{InH: l.height, InW: l.width, InC: l.channels, OutH: (l.height-1)/l.stride + 1, OutW: (l.width-1)/l.stride + 1, OutC: l.channels,
			KH: 3, KW: 3, StrideH: l.stride, StrideW: l.stride, Top: 1, Left: 1, Groups: l.channels, Zero: zero, Max: 255}
		x, w := make([]uint8, batch*c.InLen()), make([]int8, 9*c.OutC)
		for i := range x {
			x[i] = uint8(rng.Uint32())
		}
		for i := range w {
			w[i] = int8(rng.Uint32())
		}
		r := &fixed.Requantizer{Zero: 121, Hi: 255, M: [][]int64{nil}, Bias: make([]int64, c.OutC), AccBias: make([]int32, c.OutC), Shift: bytes.Repeat([]byte{32}, c.OutC)}
		for range c.OutC {
			r.M[0] = append(r.M[0], 1<<23+2*rng.Int64N(1<<22)+1)
		}
		e := kernel.Epilogue{Channels: c.OutC, R: r, Terms: []kernel.Term{{Bits: 20}}}
		codes := func(set kernel.Set) ([]uint8, bool) {
			plan, finish := set.Plan(c, w), set.Finish(e)
			tensors := []kernel.Tensor{{Codes: make([]uint8, batch*c.Pixels()*c.OutC)}}
			if p, ok := plan.(kernel.Fuser); ok {
				d := p.Fuse(finish).(*depthwiseCodes)
				s := kernel.NewScratch(d.Needs())
				for i := range plan.Tiles(batch) {
					d.Run(plan.Tile(i, batch), x, tensors, s)
				}
				return tensors[0].Codes, d.outside != nil
			}
			s, acc := kernel.NewScratch(plan.Needs().Max(finish.Needs())), make([]int32, plan.MaxTile())
			for i := range plan.Tiles(batch) {
				plan.Accumulate(acc, x, plan.Tile(i, batch), s)
				finish.Finish(plan.Tile(i, batch), acc, tensors, s)
			}
			return tensors[0].Codes, true
		}
		want, _ := codes(kernel.Generic)
		if got, images := codes(Set); !images || !bytes.Equal(got, want) {
			t.Errorf("%d × %d × %d, stride %d: codes differ, or others than wanted", l.height, l.width, l.channels, l.stride)
		}
	}
}
