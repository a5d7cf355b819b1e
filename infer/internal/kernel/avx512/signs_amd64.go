// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package avx512

import (
	"github.com/goqat/goqat/infer/internal/kernel"
	"github.com/goqat/goqat/infer/internal/kernel/vector"
)

// signPlan is the convolution with weights -1 and +1 by XOR and VPOPCNTD, on the signs of a band packed in words.
//
// Where the channels of a pixel about fill groups of four words, each word of a group gives way to the parity of the
// words so far, see dotSignGroups4x2.
type signPlan struct {
	vector.Layout         // of packed signs: its channels are the bytes of a pixel
	in            int     // channels of the input
	signs         int     // of a code
	grouped       bool    // words are in groups
	step          int     // bytes of a group or word
	offsets       []int32 // in the buffer, of the rows of a tile
	weights       []uint32
	start         []int32 // [channel]: the taps; as many as packed weights have
}

// Limits of a tile: as for dotPlan, of binary products that are much faster.
const (
	signPanel = 32 // output channels of one call of a product, at most
	signWork  = 1 << 23
	signAcc   = 1 << 13
)

func newSigns(c kernel.Conv, n int, weights []int16) kernel.Plan {
	if !kernel.AreSigns(weights) || vector.SignCodes(c) {
		return kernel.NewSigns(c, n, weights, newPlan)
	}
	p, together := &signPlan{in: c.InC, signs: n, step: 4}, 16
	words, groups := (c.InC+31)/32, (c.InC+127)/128
	if p.grouped = 11*groups <= 3*words; p.grouped { // the instructions they take
		p.step, words, together = 16, 4*groups, signPanel // there is no product of 16 channels
	}
	taps := c.KH * c.KW * c.InC
	c.InC, c.Zero, c.Max = 4*words, 0, 255
	p.Layout = vector.NewLayout(c, 1, together, c.KW*c.InC, false)
	p.start = make([]int32, p.Padded(c.OutC))
	p.packWeights(weights)
	for i := range p.start {
		p.start[i] = int32(taps)
	}
	p.cut()
	p.offsets = p.Offsets(1)
	return p
}

// packWeights packs the weights as the input, to [panel][height][steps][words of a step][channels of the panel].
func (p *signPlan) packWeights(weights []int16) {
	c := &p.C
	words := c.InC / 4 // of a pixel
	each := c.KH * c.KW * words
	p.weights = make([]uint32, len(p.start)*each)
	for i, w := range weights {
		o, tap, channel := i/p.in/c.KW/c.KH, i/p.in%(c.KW*c.KH), i%p.in
		if first := o / signPanel * signPanel; w == 1 {
			p.weights[first*each+(tap*words+channel/32)*min(signPanel, len(p.start)-first)+o%signPanel] |= 1 << (channel % 32)
		}
	}
	if p.grouped {
		for i := signPanel; i < len(p.weights); i++ {
			if i/signPanel%4 > 0 {
				p.weights[i] ^= p.weights[i-signPanel]
			}
		}
	}
}

// cut chooses the size of tiles.
func (p *signPlan) cut() {
	p.Channels = min(len(p.start), 256)
	rows := max(1, min(signAcc/p.Channels, signWork/(p.C.KH*p.C.KW*p.C.InC*8*p.Channels)))
	if p.Flat {
		p.Rows = max(4, min(rows, vector.TileBuffer/p.C.InC)/4*4)
		return
	}
	p.Limit(rows, vector.TileBuffer)
	p.Rows = p.Lines * p.C.OutW
}

func (p *signPlan) Name() string { return "avx512vnni 1-bit" }

func (p *signPlan) MaxTile() int { return p.Tiling.MaxTile() * p.signs }

func (p *signPlan) Needs() kernel.Needs {
	n := p.Layout.Needs()
	if p.Flat {
		n.Bytes += p.Slack // packWords can write after
	}
	return n
}

func (p *signPlan) Accumulate(acc []int32, x []uint8, t kernel.Tile, s *kernel.Scratch) {
	for k := range p.signs {
		p.packTile(s.Bytes, x, t, k)
		for first := 0; first < t.Channels; first += signPanel {
			p.panel(acc[first:], t.Stride, s.Bytes, t.Channel+first, t.Rows)
		}
		acc = acc[t.Rows*t.Stride:]
	}
}

// packTile fills the buffer for the rows of a tile with sign k of the codes, and with zeros as padding.
func (p *signPlan) packTile(buffer, x []uint8, t kernel.Tile, k int) {
	if p.Flat {
		p.pack(buffer, 0, x[t.Row*p.in:], 0, 1, t.Rows, k)
		return
	}
	c, pitch := &p.C, p.Line
	x = x[t.Row/c.Pixels()*c.InH*c.InW*p.in:]
	y := t.Row%c.Pixels()/c.OutW*c.StrideH - c.Top
	height := p.Height(t.Rows / c.OutW)
	first, last := max(0, -y), min(height, c.InH-y)
	clear(buffer[:height*pitch])
	if columns := p.Inside(); first < last && columns > 0 {
		p.pack(buffer[first*pitch+c.Left*c.InC:], pitch, x[(y+first)*c.InW*p.in:], c.InW*p.in, last-first, columns, k)
	}
}

// pack packs sign k of the codes of lines of pixels that are pitches apart.
func (p *signPlan) pack(dst []uint8, pitch int, codes []uint8, codesPitch, lines, pixels, k int) {
	_, _ = dst[(lines-1)*pitch+pixels*p.C.InC-1], codes[(lines-1)*codesPitch+pixels*p.in-1]
	quick := 0 // pixels of each line that take no instructions of their own
	switch {
	case p.grouped:
	case p.in%32 == 0:
		quick = pixels
	case p.in == 16:
		quick = pixels / 4 * 4
	}
	if quick < pixels { // before the others, for packWords writes to the next line
		pack := packWords
		if p.grouped {
			pack = packGroups
		}
		for line := range lines {
			pack(&dst[line*pitch+quick*p.C.InC], &codes[line*codesPitch+quick*p.in], pixels-quick, p.in, p.C.InC, 1<<k)
		}
	}
	switch {
	case quick == 0:
	case p.in == 16:
		packHalves(&dst[0], pitch, &codes[0], codesPitch, lines, quick/4, 1<<k)
	default:
		packWhole(&dst[0], pitch, &codes[0], codesPitch, lines, quick*p.in/32, 1<<k)
	}
}

// The products of words, by columns of 16 channels: of the main rows, and of one.
var (
	signRows  = [3]int{1: 8, 2: 6}
	signWords = [3][9]signProduct{1: {1: dotSignWords1x1, 8: dotSignWords8x1}, 2: {1: dotSignWords1x2, 6: dotSignWords6x2}}
)

type signProduct = func(acc *int32, stride int, x *uint8, offsets *int32, tiles int, w *uint32, start *int32, height, steps, skip int)

// panel multiplies rows of the buffer with the panel of weights that starts at a channel.
func (p *signPlan) panel(acc []int32, stride int, x []uint8, channel, rows int) {
	c := &p.C
	steps := c.KW * c.InC / p.step
	width, each := min(signPanel, len(p.start)-channel), c.KH*c.KW*c.InC/4
	w, start := p.weights[channel*each:][:width*each], p.start[channel:][:width]
	skip := p.Line - steps*p.step
	n := signRows[width/16]
	one, main := signWords[width/16][1], signWords[width/16][n]
	if p.grouped {
		n, one, main = 4, dotSignGroups1x2, dotSignGroups4x2
	}
	run := func(product signProduct, first, n, tiles int) {
		last := first + n*tiles - 1
		_, _ = acc[last*stride+width-1], x[int(p.offsets[last])+c.KH*p.Line-skip-1]
		product(&acc[first*stride], 4*stride, &x[0], &p.offsets[first], tiles, &w[0], &start[0], c.KH, steps, skip)
	}
	if rows < n {
		run(one, 0, 1, rows)
		return
	}
	run(main, 0, n, rows/n)
	if rows%n > 0 { // the last rows again with those before them
		run(main, rows-n, n, 1)
	}
}
