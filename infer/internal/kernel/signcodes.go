// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"encoding/binary"
	"slices"
)

// A convolution of signs is one of the codes 0 and 1, with 0 as padding: Σ ±w is 2·Σ q·w - Σ w. An end has
// that in its multipliers and constants; accumulators that are to be those of signs are changed one by one.

// SignCodes returns an operator on one sign as one on codes, with the same output, and whether there is one.
func SignCodes(c Conv, e Epilogue, weights []int16) (Conv, Epilogue, []int8, bool) {
	narrow, sums, ok := narrowed(c, weights)
	if !ok || e.R == nil && e.T == nil || e.Own() != 1 {
		return c, e, nil, false
	}
	if e.R != nil {
		r := *e.R
		r.M, r.Bias, r.AccBias = slices.Clone(r.M), slices.Clone(r.Bias), make([]int32, c.OutC)
		for o, m := range r.M[0] {
			r.Bias[o] += (int64(e.R.AccBias[o]) - int64(sums[o])) * m
		}
		r.M[0] = twice(r.M[0])
		e.R = &r
	} else {
		t := *e.T
		t.M, t.T = slices.Clone(t.M), slices.Clone(t.T)
		for plane, levels := range t.T {
			t.T[plane] = slices.Clone(levels)
			for o, m := range t.M[0] {
				t.T[plane][o] += int64(sums[o]) * m
			}
		}
		t.M[0] = twice(t.M[0])
		e.T = &t
	}
	c.Zero, c.Max = 0, 1
	return c, e, narrow, true
}

// narrowed returns weights as int8 and the sum of those of each channel, and whether they fit.
func narrowed(c Conv, weights []int16) (narrow []int8, sums []int32, ok bool) {
	narrow, sums = make([]int8, len(weights)), make([]int32, c.OutC)
	each := len(weights) / c.OutC
	for i, w := range weights {
		if narrow[i] = int8(w); int16(narrow[i]) != w {
			return nil, nil, false
		}
		sums[i/each] += int32(w)
	}
	return narrow, sums, true
}

// areCodes says whether portable Go takes less time for codes than for signs: where there are few taps to a word.
func areCodes(c Conv) bool { return c.Groups > 1 && c.Groups == c.InC && c.Groups == c.OutC }

// signCodes is the accumulators of each sign of the codes, by a plan of codes.
type signCodes struct {
	Plan
	c     Conv
	signs int
	sums  []int32 // [c.OutC]: Σ w
	bytes int     // of the plan's scratch
	plane int     // codes of the images that a tile is in
}

// NewSigns prepares a convolution of signs by a plan of codes, or where weights do not allow that as it is defined.
func NewSigns(c Conv, n int, weights []int16, plan func(c Conv, weights []int8) Plan) Plan {
	narrow, sums, ok := narrowed(c, weights)
	if !ok {
		return newReferenceSigns(c, n, weights)
	}
	c.Zero, c.Max = 0, 1
	p := &signCodes{Plan: plan(c, narrow), c: c, signs: n, sums: sums}
	if n > 1 {
		const images = 1 << 20 // more than a tile takes
		p.bytes = p.Plan.Needs().Bytes
		p.plane = ((p.Tile(0, images).Rows+c.Pixels()-2)/c.Pixels() + 1) * c.InLen()
	}
	return p
}

func (p *signCodes) Name() string { return NameOf(p.Plan, "signs") }

func (p *signCodes) MaxTile() int { return p.Plan.MaxTile() * p.signs }

func (p *signCodes) Needs() Needs {
	n := p.Plan.Needs()
	n.Bytes += p.plane
	return n
}

func (p *signCodes) Accumulate(acc []int32, x []uint8, t Tile, s *Scratch) {
	for k := range p.signs {
		codes, at := x, t
		if p.signs > 1 {
			codes = s.Bytes[p.bytes:][:p.plane]
			at.Row = p.copyPlane(codes, x, t, k)
		}
		p.Plan.Accumulate(acc, codes, at, s)
		for r := range t.Rows {
			row := acc[r*t.Stride:][:t.Channels]
			for i, w := range p.sums[t.Channel:][:len(row)] {
				row[i] = 2*row[i] - w
			}
		}
		acc = acc[t.Rows*t.Stride:]
	}
}

// copyPlane fills dst with sign k of the codes under a tile, where they are in its images, and returns its row there. The codes may
// end with those of the tile's last row.
func (p *signCodes) copyPlane(dst, x []uint8, t Tile, k int) (row int) {
	c, pixels, size := &p.c, p.c.Pixels(), p.c.InLen()
	first, last := t.Row/pixels, (t.Row+t.Rows-1)/pixels
	line := func(y int) int { return min(max(0, y-c.Top), c.InH) * c.InW * c.InC }
	top, bottom := t.Row%pixels/c.OutW, (t.Row+t.Rows-1)%pixels/c.OutW
	x = x[first*size:]
	from, to := line(top*c.StrideH), min((last-first)*size+line(bottom*c.StrideH+c.KH), len(x))
	copySigns(dst[from:to], x[from:], k)
	return t.Row - first*pixels
}

// copySigns fills dst with sign k of as many codes, as 0 and 1.
func copySigns(dst, codes []uint8, k int) {
	const lowest = 0x0101010101010101
	for ; len(dst) >= 8; dst, codes = dst[8:], codes[8:] {
		binary.LittleEndian.PutUint64(dst, binary.LittleEndian.Uint64(codes)>>k&lowest)
	}
	for i := range dst {
		dst[i] = codes[i] >> k & 1
	}
}
