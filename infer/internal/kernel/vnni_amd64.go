// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package kernel

import "golang.org/x/sys/cpu"

//go:generate sh -c "cd _asm && ./generate.sh vnni"

// hasAVX512 says whether the processor and the operating system have what the set avx512vnni uses: server processors
// since Ice Lake and Zen 4.
var hasAVX512 = cpu.X86.HasAVX2 && cpu.X86.HasBMI2 && cpu.X86.HasAVX512F && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512DQ && cpu.X86.HasAVX512VL &&
	cpu.X86.HasAVX512VNNI && cpu.X86.HasAVX512VPOPCNTDQ && cpu.X86.HasAVX512VBMI

func newVNNI(c Conv, weights []int8) Plan {
	switch {
	case c.Groups == 1:
		return newDotVNNI(c, weights)
	case c.Groups == c.InC && c.Groups == c.OutC && c.InC >= 16:
		return newDepthwiseVNNI(c, weights)
	default:
		return newGeneric(c, weights)
	}
}

// vnniAcc is the most accumulators of a tile: with the codes and weights they meet, they stay in the first cache.
const vnniAcc = 1 << 13

// vnniDeep is the fewest rows of a tile where every output row has its own input row: a panel of weights that outgrows
// the first cache serves them all.
const vnniDeep = 112

// vnniPanel are the output channels of one call of a dot product; what is left of the channels can take half of it.
const vnniPanel = 32

// dotVNNI is a convolution as products of rows of codes with panels of 32 or 16 output channels, by VPDPBUSD: codes
// times weights, four taps at a time, exact for all of them.
type dotVNNI struct {
	tiling
	direct  bool // the products read the input in place
	line    int  // bytes from a line of the codes to the next
	pixel   int  // bytes from an output pixel's codes to those of the next in its line
	steps   int  // of one line of the kernel, each of four taps
	main    [3]vnniShape
	offsets []int32    // of the rows of a tile
	grouped [3][]int32 // [columns]: of the groups of the main shape
	form    *vnniForm
	weights []int8  // [panel] in that form, zeros behind the taps
	start   []int32 // [channel]: -zero·Σ w; zeros behind the channels
}

// A vnniShape is the rows of a tile of sums, and of its groups: rows that are the same distance apart; and the steps that
// it is told of, a line of the kernel or one of its taps.
type vnniShape struct{ rows, group, steps int }

func newDotVNNI(c Conv, weights []int8) Plan {
	p := &dotVNNI{tiling: newTiling(c, 1, vnniLanes)}
	taps := c.KW * c.InC
	var values []int8
	p.form, values = chooseForm(weights, taps)
	each := 4 * p.form.steps // taps of a register
	p.steps = (taps + each - 1) / each * p.form.steps
	inside := c.Top == 0 && c.Left == 0 && (c.OutH-1)*c.StrideH+c.KH <= c.InH && (c.OutW-1)*c.StrideW+c.KW <= c.InW
	p.direct = inside && taps%each == 0
	p.pack(weights, taps, values)
	p.cut()
	switch {
	case p.flat:
		p.line, p.pixel = 4*p.steps, 4*p.steps
	case p.direct:
		p.line, p.pixel = c.InW*c.InC, c.StrideW*c.InC
	default:
		p.line, p.pixel = p.band.pitch(), c.StrideW*c.InC
	}
	for i := range p.rows {
		if p.flat {
			p.offsets = append(p.offsets, int32(i*p.pixel))
		} else {
			p.offsets = append(p.offsets, int32(i/c.OutW*c.StrideH*p.line+i%c.OutW*p.pixel))
		}
	}
	p.shapes()
	return p
}

// shapes chooses the main shapes. Groups do not cross lines.
func (p *dotVNNI) shapes() {
	fits := func(group int) bool { return p.flat || p.c.OutW%group == 0 }
	c := &p.c
	p.main[1], p.main[2] = vnniShape{8, 1, p.steps}, vnniShape{8, 1, p.steps}
	switch {
	case c.KW == 3 && c.StrideW == 1 && c.InC%16 == 0 && c.OutW%16 == 0:
		p.main[1] = vnniShape{16, 4, c.InC / 4}
	case fits(4):
		p.main[1] = vnniShape{24, 4, p.steps}
	}
	if fits(2) {
		p.main[2] = vnniShape{14, 2, p.steps}
	}
	for columns := 1; columns <= 2; columns++ {
		for i := 0; i < p.rows; i += p.main[columns].group {
			p.grouped[columns] = append(p.grouped[columns], p.offsets[i])
		}
	}
}

func (p *dotVNNI) pack(weights []int8, taps int, values []int8) {
	c := &p.c
	padded := p.padded(c.OutC)
	p.weights = make([]int8, p.panel(padded))
	p.start = make([]int32, padded)
	for first := 0; first < c.OutC; first += vnniPanel {
		width := min(vnniPanel, padded-first)
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
func (p *dotVNNI) panel(channel int) int {
	return (channel+vnniPanel-1)/vnniPanel*p.form.header() + channel*p.c.KH*p.steps*4*p.form.bits/8
}

// cut chooses the size of tiles.
func (p *dotVNNI) cut() {
	p.channels = min(p.padded(p.c.OutC), 256)
	if p.c.Pixels() == 1 { // few rows: tiles share the channels
		p.channels = min(p.channels, 128)
	}
	rows := vnniAcc / p.channels
	if p.flat {
		p.rows = max(vnniDeep, rows/14*14)
		return
	}
	p.limit(rows, tileBuffer)
	p.rows = p.lines * p.c.OutW
}

func (p *dotVNNI) Name() string { return "avx512vnni " + p.form.name }

func (p *dotVNNI) Needs() Needs {
	switch {
	case p.direct:
		return Needs{}
	case p.flat:
		return Needs{Bytes: p.rows * p.line}
	default:
		return Needs{Bytes: p.band.height(p.lines)*p.line + padSlack} // the last step can read behind the last tap
	}
}

func (p *dotVNNI) Accumulate(acc []int32, x []uint8, t Tile, s *Scratch) {
	p.products(vnniEnd{acc: acc[:t.Rows*t.Stride]}, p.codes(x, t, s), t)
}

// codes returns the codes under the kernel at the rows of a tile, in the layout of the offsets.
func (p *dotVNNI) codes(x []uint8, t Tile, s *Scratch) []uint8 {
	c := &p.c
	switch {
	case p.flat && p.direct:
		return x[t.Row*c.InC:]
	case p.flat:
		for r := range t.Rows { // what is behind the codes of a row meets weights of 0
			copy(s.Bytes[r*p.line:], x[(t.Row+r)*c.InC:][:c.InC])
		}
	case p.direct:
		return x[t.Row/c.Pixels()*c.InLen()+t.Row%c.Pixels()/c.OutW*c.StrideH*p.line:]
	default:
		p.pad(s.Bytes, x, t.Row, t.Rows)
	}
	return s.Bytes
}

// A vnniEnd is where the sums of a tile go: to acc, or by a finisher to dst and with the codes of other, from the tile's
// first row on.
type vnniEnd struct {
	acc        []int32
	finish     *vnniFinish
	dst, other []uint8
}

// products computes the sums of a tile, the codes under which are x.
func (p *dotVNNI) products(to vnniEnd, x []uint8, t Tile) {
	_ = x[int(p.offsets[t.Rows-1])+(p.c.KH-1)*p.line+4*p.steps-1]
	for first := t.Channel; first < t.Channel+t.Stride; first += vnniPanel {
		width := min(vnniPanel, t.Channel+t.Stride-first)
		columns, row := width/vnniLanes, 0
		main := p.main[columns]
		if tiles := t.Rows / main.rows; tiles > 0 {
			p.part(to, x, t, vnniPart{main.rows, columns, main.steps, tiles, row, first, p.grouped[columns]})
			row = tiles * main.rows
		}
		for rows := 8; row < t.Rows; rows /= 2 {
			if tiles := (t.Rows - row) / rows; tiles > 0 {
				p.part(to, x, t, vnniPart{rows, columns, p.steps, tiles, row, first, p.offsets[row:]})
				row += tiles * rows
			}
		}
	}
}

// A vnniPart are sums of one shape, tiles one below the other: from a row of a tile of the plan, and a channel.
type vnniPart struct {
	rows, columns, steps int
	tiles, row, channel  int
	offsets              []int32
}

func (p *dotVNNI) part(to vnniEnd, x []uint8, t Tile, q vnniPart) {
	dot := p.form.dots[q.columns][q.rows]
	w, start, skip := &p.weights[p.panel(q.channel)], &p.start[q.channel], p.line-4*q.steps
	f := to.finish
	if f == nil {
		acc := &to.acc[q.row*t.Stride+q.channel-t.Channel]
		dot(acc, nil, nil, 4*t.Stride, &x[0], &q.offsets[0], p.pixel, q.tiles, w, start, p.c.KH, q.steps, skip, nil, false, 0, 0, 0)
		return
	}
	at := q.row*f.Channels + q.channel
	var other *uint8
	if to.other != nil {
		other = &to.other[at]
	}
	table := f.table[q.channel/vnniLanes*f.blockSize:][:q.columns*f.blockSize]
	dot(nil, &to.dst[at], other, f.Channels, &x[0], &q.offsets[0], p.pixel, q.tiles, w, start, p.c.KH, q.steps, skip, &table[0], f.ties, int(f.R.Zero), int(f.R.Lo), int(f.R.Hi))
}

// dotCodes is the product with its end, requantized in registers.
type dotCodes struct {
	*dotVNNI
	finish *vnniFinish
}

// Fuse implements Fuser, for whole registers of channels and one term, or a residual of codes.
func (p *dotVNNI) Fuse(f Finisher) Fused {
	finish, ok := f.(*vnniFinish)
	if !ok || finish.Channels != p.c.OutC || p.c.OutC%vnniLanes != 0 {
		return nil
	}
	switch terms := finish.Epilogue.Terms; {
	case len(terms) == 1, len(terms) == 2 && !terms[0].Codes && terms[1].Codes:
		return &dotCodes{p, finish}
	default:
		return nil
	}
}

func (d *dotCodes) Run(t Tile, x []uint8, tensors []Tensor, s *Scratch) {
	rows := func(tensor int) []uint8 {
		return tensors[tensor].Codes[t.Row*d.finish.Channels:][:t.Rows*d.finish.Channels]
	}
	to := vnniEnd{finish: d.finish, dst: rows(d.finish.Output)}
	if len(d.finish.Others) > 0 {
		to.other = rows(d.finish.Others[0])
	}
	d.products(to, d.codes(x, t, s), t)
}
