// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package avx512

import (
	"github.com/goqat/goqat/infer/internal/kernel"
	"github.com/goqat/goqat/infer/internal/kernel/vector"
)

// mostAcc is the most accumulators of a tile: with the codes and weights they meet, they stay in the first cache.
const mostAcc = 1 << 13

// deepRows is the fewest rows of a tile where every output row has its own input row: a panel of weights that outgrows
// the first cache serves them all.
const deepRows = 112

// panelChannels are the output channels of one call of a dot product; what is left of the channels can take half of it.
const panelChannels = 32

// dotPlan is a convolution as products of rows of codes with panels of 32 or 16 output channels, by VPDPBUSD: codes
// times weights, four taps at a time, exact for all of them.
type dotPlan struct {
	vector.Tiling
	direct  bool // the products read the input in place
	line    int  // bytes from a line of the codes to the next
	pixel   int  // bytes from an output pixel's codes to those of the next in its line
	steps   int  // of one line of the kernel, each of four taps
	main    [3]shape
	offsets []int32    // of the rows of a tile
	grouped [3][]int32 // [columns]: of the groups of the main shape
	form    *form
	weights []int8  // [panel] in that form, zeros after the taps
	start   []int32 // [channel]: -zero·Σ w; zeros after the channels
}

// A shape is the size of a tile of sums: its rows; the rows of a group, which lie the same distance apart in memory; and
// the steps of a part of the sum, which is a line of the kernel's window or one tap of it.
type shape struct{ rows, group, steps int }

func newDot(c kernel.Conv, weights []int8, choose chooser) kernel.Plan {
	p := &dotPlan{Tiling: vector.NewTiling(c, 1, lanes)}
	taps := c.KW * c.InC
	var values []int8
	p.form, values = choose(weights, taps)
	each := 4 * p.form.steps // taps of a register
	p.steps = (taps + each - 1) / each * p.form.steps
	inside := c.Top == 0 && c.Left == 0 && (c.OutH-1)*c.StrideH+c.KH <= c.InH && (c.OutW-1)*c.StrideW+c.KW <= c.InW
	p.direct = inside && taps%each == 0
	p.pack(weights, taps, values)
	p.cut()
	switch {
	case p.Flat:
		p.line, p.pixel = 4*p.steps, 4*p.steps
	case p.direct:
		p.line, p.pixel = c.InW*c.InC, c.StrideW*c.InC
	default:
		p.line, p.pixel = p.Band.Pitch(), c.StrideW*c.InC
	}
	for i := range p.Rows {
		if p.Flat {
			p.offsets = append(p.offsets, int32(i*p.pixel))
		} else {
			p.offsets = append(p.offsets, int32(i/c.OutW*c.StrideH*p.line+i%c.OutW*p.pixel))
		}
	}
	p.shapes()
	return p
}

// shapes chooses the main shapes. Groups do not cross lines.
func (p *dotPlan) shapes() {
	fits := func(group int) bool { return p.Flat || p.C.OutW%group == 0 }
	c := &p.C
	p.main[1], p.main[2] = shape{8, 1, p.steps}, shape{8, 1, p.steps}
	switch {
	case c.KW == 3 && c.StrideW == 1 && c.InC%16 == 0 && c.OutW%16 == 0:
		p.main[1] = shape{16, 4, c.InC / 4}
	case fits(4):
		p.main[1] = shape{24, 4, p.steps}
	}
	if fits(2) {
		p.main[2] = shape{14, 2, p.steps}
	}
	for columns := 1; columns <= 2; columns++ {
		for i := 0; i < p.Rows; i += p.main[columns].group {
			p.grouped[columns] = append(p.grouped[columns], p.offsets[i])
		}
	}
}

func (p *dotPlan) pack(weights []int8, taps int, values []int8) {
	c := &p.C
	padded := p.Padded(c.OutC)
	p.weights = make([]int8, p.panel(padded))
	p.start = make([]int32, padded)
	for first := 0; first < c.OutC; first += panelChannels {
		width := min(panelChannels, padded-first)
		panel := p.form.begin(p.weights[p.panel(first):p.panel(first+width)], values)
		for o := first; o < min(first+width, c.OutC); o++ {
			for ky := range c.KH {
				line := weights[(o*c.KH+ky)*taps:][:taps]
				p.form.pack(panel, line, values, ky*p.steps, width, o-first)
				sum := int32(0)
				for _, w := range line {
					sum += int32(w)
				}
				p.start[o] -= c.Zero * sum
			}
		}
	}
}

// panel returns where the weights of the panel begin that starts at a channel.
func (p *dotPlan) panel(channel int) int {
	return (channel+panelChannels-1)/panelChannels*p.form.header() + channel*p.C.KH*p.steps*4*p.form.bits/8
}

// cut chooses the size of tiles.
func (p *dotPlan) cut() {
	p.Channels = min(p.Padded(p.C.OutC), 256)
	if p.C.Pixels() == 1 { // few rows: tiles share the channels
		p.Channels = min(p.Channels, 128)
	}
	rows := mostAcc / p.Channels
	if p.Flat {
		p.Rows = max(deepRows, rows/14*14)
		return
	}
	p.Limit(rows, vector.TileBuffer)
	p.Rows = p.Lines * p.C.OutW
}

func (p *dotPlan) Name() string { return "avx512vnni " + p.form.name }

func (p *dotPlan) Needs() kernel.Needs {
	switch {
	case p.direct:
		return kernel.Needs{}
	case p.Flat:
		return kernel.Needs{Bytes: p.Rows * p.line}
	default:
		return kernel.Needs{Bytes: p.Height(p.Lines)*p.line + PadSlack} // the last step can read after the last tap
	}
}

func (p *dotPlan) Accumulate(acc []int32, x []uint8, t kernel.Tile, s *kernel.Scratch) {
	p.products(end{acc: acc[:t.Rows*t.Stride]}, p.codes(x, t, s), t)
}

// codes returns the codes under the kernel at the rows of a tile, in the layout of the offsets.
func (p *dotPlan) codes(x []uint8, t kernel.Tile, s *kernel.Scratch) []uint8 {
	c := &p.C
	switch {
	case p.Flat && p.direct:
		return x[t.Row*c.InC:]
	case p.Flat:
		for r := range t.Rows { // what is after the codes of a row meets weights of 0
			copy(s.Bytes[r*p.line:], x[(t.Row+r)*c.InC:][:c.InC])
		}
	case p.direct:
		return x[t.Row/c.Pixels()*c.InLen()+t.Row%c.Pixels()/c.OutW*c.StrideH*p.line:]
	default:
		Pad(&p.Band, s.Bytes, x, t.Row, t.Rows)
	}
	return s.Bytes
}

// A end is where the sums of a tile go: to acc, or by a finisher to dst and with the codes of other, from the tile's
// first row on.
type end struct {
	acc        []int32
	finish     *finisher
	dst, other []uint8
}

// products computes the sums of a tile, the codes under which are x.
func (p *dotPlan) products(to end, x []uint8, t kernel.Tile) {
	_ = x[int(p.offsets[t.Rows-1])+(p.C.KH-1)*p.line+4*p.steps-1]
	for first := t.Channel; first < t.Channel+t.Stride; first += panelChannels {
		width := min(panelChannels, t.Channel+t.Stride-first)
		columns, row := width/lanes, 0
		main := p.main[columns]
		if tiles := t.Rows / main.rows; tiles > 0 {
			p.part(to, x, t, part{main.rows, columns, main.steps, tiles, row, first, p.grouped[columns]})
			row = tiles * main.rows
		}
		for rows := 8; row < t.Rows; rows /= 2 {
			if tiles := (t.Rows - row) / rows; tiles > 0 {
				p.part(to, x, t, part{rows, columns, p.steps, tiles, row, first, p.offsets[row:]})
				row += tiles * rows
			}
		}
	}
}

// A part are sums of one shape, tiles one below the other: from a row of a tile of the plan, and a channel.
type part struct {
	rows, columns, steps int
	tiles, row, channel  int
	offsets              []int32
}

func (p *dotPlan) part(to end, x []uint8, t kernel.Tile, q part) {
	dot := p.form.dots[q.columns][q.rows]
	w, start, skip := &p.weights[p.panel(q.channel)], &p.start[q.channel], p.line-4*q.steps
	f := to.finish
	if f == nil {
		acc := &to.acc[q.row*t.Stride+q.channel-t.Channel]
		dot(acc, nil, nil, 4*t.Stride, &x[0], &q.offsets[0], p.pixel, q.tiles, w, start, p.C.KH, q.steps, skip, nil, false, 0, 0, 0)
		return
	}
	at := q.row*f.Channels + q.channel
	var other *uint8
	if to.other != nil {
		other = &to.other[at]
	}
	table := f.table[q.channel/lanes*f.blockSize:][:q.columns*f.blockSize]
	dot(nil, &to.dst[at], other, f.Channels, &x[0], &q.offsets[0], p.pixel, q.tiles, w, start, p.C.KH, q.steps, skip, &table[0], f.ties, int(f.R.Zero), int(f.R.Lo), int(f.R.Hi))
}

// dotCodes is the product with its end, requantized in registers.
type dotCodes struct {
	*dotPlan
	finish *finisher
}

// Fuse implements Fuser, for whole registers of channels and one term, or a residual of codes.
func (p *dotPlan) Fuse(f kernel.Finisher) kernel.Fused {
	finish, ok := f.(*finisher)
	if !ok || finish.Channels != p.C.OutC || p.C.OutC%lanes != 0 {
		return nil
	}
	switch terms := finish.Epilogue.Terms; {
	case len(terms) == 1, len(terms) == 2 && !terms[0].Codes && terms[1].Codes:
		return &dotCodes{p, finish}
	default:
		return nil
	}
}

func (d *dotCodes) Run(t kernel.Tile, x []uint8, tensors []kernel.Tensor, s *kernel.Scratch) {
	rows := func(tensor int) []uint8 {
		return tensors[tensor].Codes[t.Row*d.finish.Channels:][:t.Rows*d.finish.Channels]
	}
	to := end{finish: d.finish, dst: rows(d.finish.Output)}
	if len(d.finish.Others) > 0 {
		to.other = rows(d.finish.Others[0])
	}
	d.products(to, d.codes(x, t, s), t)
}
