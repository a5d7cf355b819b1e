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
	vector.Layout
	steps   int // of one line of the kernel, each of four taps
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
	taps := c.KW * c.InC
	form, values := choose(weights, taps)
	each := 4 * form.steps // taps of a register
	p := &dotPlan{form: form, steps: (taps + each - 1) / each * form.steps}
	p.Layout = vector.NewLayout(c, 1, lanes, 4*p.steps, true)
	p.Slack, p.Fill = PadSlack, Pad
	p.pack(weights, taps, values)
	p.cut()
	p.offsets = p.Offsets(1)
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

func (p *dotPlan) Accumulate(acc []int32, x []uint8, t kernel.Tile, s *kernel.Scratch) {
	p.products(end{acc: acc[:t.Rows*t.Stride]}, p.Codes(x, t, s.Bytes), t)
}

// A end is where the sums of a tile go: to acc, or by a finisher to dst and with the codes of other, from the tile's
// first row on.
type end struct {
	acc        []int32
	finish     *finisher
	words      *words
	dst, other []uint8
}

// The kinds of ends that products are told.
const (
	plainEnd = iota
	tiesEnd
	shortEnd
)

// words is what products with short ends take in place of the plan's start and the finisher's table.
type words struct {
	start []int32 // [channel]: with what comes before
	table []int64 // [panel of 32 channels, or 16][wordsPanel]: multipliers, what comes after, and shifts
}

// wordsPanel are the numbers of a table for a panel: words of two vectors, or of one twice, as they are packed.
const wordsPanel = 3 * lanes / 2

// newWords returns those of a plan with a finisher, nil where not all channels have a short form.
func (p *dotPlan) newWords(f *finisher) *words {
	if len(f.terms) > 1 || f.Epilogue.Terms[0].Width() == 32 {
		return nil
	}
	forms := f.Shorts(make([]int32, f.Channels))
	if forms == nil {
		return nil
	}
	w := &words{}
	for c, start := range p.start {
		w.start = append(w.start, start+int32(forms[c].Before))
	}
	for first := 0; first < f.Channels; first += panelChannels {
		panel := forms[first:min(first+panelChannels, f.Channels)]
		for _, number := range shortNumbers[1:] {
			var numbers []int64
			for i := range panel {
				numbers = append(numbers, number(&panel[i]))
			}
			w.table = appendWords(w.table, numbers[:lanes], numbers[len(numbers)-lanes:])
		}
	}
	return w
}

// products computes the sums of a tile, the codes under which are x.
func (p *dotPlan) products(to end, x []uint8, t kernel.Tile) {
	_ = x[int(p.offsets[t.Rows-1])+(p.C.KH-1)*p.Line+4*p.steps-1]
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
	w, start, skip := &p.weights[p.panel(q.channel)], &p.start[q.channel], p.Line-4*q.steps
	f := to.finish
	if f == nil {
		acc := &to.acc[q.row*t.Stride+q.channel-t.Channel]
		dot(acc, nil, nil, 4*t.Stride, &x[0], &q.offsets[0], p.Pixel, q.tiles, w, start, p.C.KH, q.steps, skip, nil, plainEnd, 0, 0, 0)
		return
	}
	at := q.row*f.Channels + q.channel
	var other *uint8
	if to.other != nil {
		other = &to.other[at]
	}
	kind, table := plainEnd, f.table[q.channel/lanes*f.blockSize:][:q.columns*f.blockSize]
	switch {
	case to.words != nil:
		kind, start, table = shortEnd, &to.words.start[q.channel], to.words.table[q.channel/panelChannels*wordsPanel:][:wordsPanel]
	case f.ties:
		kind = tiesEnd
	}
	dot(nil, &to.dst[at], other, f.Channels, &x[0], &q.offsets[0], p.Pixel, q.tiles, w, start, p.C.KH, q.steps, skip, &table[0], kind, int(f.R.Zero), int(f.R.Lo), int(f.R.Hi))
}

// dotCodes is the product with its end, requantized in registers.
type dotCodes struct {
	*dotPlan
	finish *finisher
	words  *words // nil where the end is not short
}

// Fuse implements Fuser, for whole registers of channels and one term, or a residual of codes.
func (p *dotPlan) Fuse(f kernel.Finisher) kernel.Fused {
	finish, ok := f.(*finisher)
	if !ok || finish.Channels != p.C.OutC || p.C.OutC%lanes != 0 {
		return nil
	}
	if w := p.newWords(finish); w != nil {
		return &dotCodes{p, finish, w}
	}
	switch terms := finish.Epilogue.Terms; {
	case finish.apart:
		return nil
	case len(terms) == 1, len(terms) == 2 && !terms[0].Codes && terms[1].Codes:
		return &dotCodes{p, finish, nil}
	default:
		return nil
	}
}

func (d *dotCodes) Run(t kernel.Tile, x []uint8, tensors []kernel.Tensor, s *kernel.Scratch) {
	rows := func(tensor int) []uint8 {
		return tensors[tensor].Codes[t.Row*d.finish.Channels:][:t.Rows*d.finish.Channels]
	}
	to := end{finish: d.finish, words: d.words, dst: rows(d.finish.Output)}
	if len(d.finish.Others) > 0 {
		to.other = rows(d.finish.Others[0])
	}
	d.products(to, d.Codes(x, t, s.Bytes), t)
}
