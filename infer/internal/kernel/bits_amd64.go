// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package kernel

//go:generate sh -c "cd _asm && ./generate.sh bits"

// bitPlan is the convolution with weights -1 and +1 by XOR and VPOPCNTD, on the signs of a band packed in words.
//
// Where the channels of a pixel about fill groups of four words, each word of a group gives way to the parity of the
// words so far, see bitGroups4.
type bitPlan struct {
	tiling          // of packed signs: its channels are the bytes of a pixel
	in      int     // channels of the input
	signs   int     // of a code
	grouped bool    // words are in groups
	step    int     // bytes of a group or word
	offsets []int32 // in the buffer, of the rows of a tile
	weights []uint32
	start   []int32 // [channel]: the taps; as many as packed weights have
}

// Limits of a tile: as for dotPlan, of binary products that are much faster.
const (
	bitPanel = 32 // output channels of one call of a product, at most
	bitWork  = 1 << 23
	bitAcc   = 1 << 13
)

func newSignsAVX512(c Conv, n int, weights []int16) Plan {
	if !areSigns(weights) {
		return newSigns(c, n, weights, newVNNI)
	}
	if c.Groups > 1 {
		return newBits(c, n, weights)
	}
	p, together := &bitPlan{in: c.InC, signs: n, step: 4}, 16
	words, groups := (c.InC+31)/32, (c.InC+127)/128
	if p.grouped = 11*groups <= 3*words; p.grouped { // the instructions they take
		p.step, words, together = 16, 4*groups, bitPanel // there is no product of 16 channels
	}
	taps := c.KH * c.KW * c.InC
	c.InC, c.Zero, c.Max = 4*words, 0, 255
	p.tiling = newTiling(c, 1, together)
	p.start = make([]int32, p.padded(c.OutC))
	p.packWeights(weights)
	for i := range p.start {
		p.start[i] = int32(taps)
	}
	p.cut()
	for i := range p.rows {
		p.offsets = append(p.offsets, int32(p.offset(i)))
	}
	return p
}

// packWeights packs the weights as the input, to [panel][height][steps][words of a step][channels of the panel].
func (p *bitPlan) packWeights(weights []int16) {
	c := &p.c
	words := c.InC / 4 // of a pixel
	each := c.KH * c.KW * words
	p.weights = make([]uint32, len(p.start)*each)
	for i, w := range weights {
		o, tap, channel := i/p.in/c.KW/c.KH, i/p.in%(c.KW*c.KH), i%p.in
		if first := o / bitPanel * bitPanel; w == 1 {
			p.weights[first*each+(tap*words+channel/32)*min(bitPanel, len(p.start)-first)+o%bitPanel] |= 1 << (channel % 32)
		}
	}
	if p.grouped {
		for i := bitPanel; i < len(p.weights); i++ {
			if i/bitPanel%4 > 0 {
				p.weights[i] ^= p.weights[i-bitPanel]
			}
		}
	}
}

// pitch and offset of a flat product are those of rows one after the other.
func (p *bitPlan) pitch() int {
	if p.flat {
		return p.c.InC
	}
	return p.band.pitch()
}

func (p *bitPlan) offset(row int) int {
	if p.flat {
		return row * p.c.InC
	}
	return p.band.offset(row)
}

// cut chooses the size of tiles.
func (p *bitPlan) cut() {
	p.channels = min(len(p.start), 256)
	rows := max(1, min(bitAcc/p.channels, bitWork/(p.c.KH*p.c.KW*p.c.InC*8*p.channels)))
	if p.flat {
		p.rows = max(4, min(rows, tileBuffer/p.c.InC)/4*4)
		return
	}
	p.limit(rows, tileBuffer)
	p.rows = p.lines * p.c.OutW
}

func (p *bitPlan) Name() string { return "avx512vnni 1-bit" }

func (p *bitPlan) MaxTile() int { return p.tiling.MaxTile() * p.signs }

func (p *bitPlan) Needs() Needs {
	n := Needs{Bytes: p.rows*p.pitch() + 4} // packWords can write behind
	if !p.flat {
		n.Bytes = p.band.height(p.lines)*p.pitch() + 4
	}
	return n
}

func (p *bitPlan) Accumulate(acc []int32, x []uint8, t Tile, s *Scratch) {
	for k := range p.signs {
		p.packTile(s.Bytes, x, t, k)
		for first := 0; first < t.Channels; first += bitPanel {
			p.panel(acc[first:], t.Stride, s.Bytes, t.Channel+first, t.Rows)
		}
		acc = acc[t.Rows*t.Stride:]
	}
}

// packTile fills the buffer for the rows of a tile with sign k of the codes, and with zeros in the place of padding.
func (p *bitPlan) packTile(buffer, x []uint8, t Tile, k int) {
	if p.flat {
		p.pack(buffer, 0, x[t.Row*p.in:], 0, 1, t.Rows, k)
		return
	}
	c, pitch := &p.c, p.pitch()
	x = x[t.Row/c.Pixels()*c.InH*c.InW*p.in:]
	y := t.Row%c.Pixels()/c.OutW*c.StrideH - c.Top
	height := p.height(t.Rows / c.OutW)
	first, last := max(0, -y), min(height, c.InH-y)
	clear(buffer[:height*pitch])
	if columns := p.inside(); first < last && columns > 0 {
		p.pack(buffer[first*pitch+c.Left*c.InC:], pitch, x[(y+first)*c.InW*p.in:], c.InW*p.in, last-first, columns, k)
	}
}

// pack packs sign k of the codes of lines of pixels that are pitches apart.
func (p *bitPlan) pack(dst []uint8, pitch int, codes []uint8, codesPitch, lines, pixels, k int) {
	_, _ = dst[(lines-1)*pitch+pixels*p.c.InC-1], codes[(lines-1)*codesPitch+pixels*p.in-1]
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
			pack(&dst[line*pitch+quick*p.c.InC], &codes[line*codesPitch+quick*p.in], pixels-quick, p.in, p.c.InC, 1<<k)
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
	bitRows  = [3]int{1: 8, 2: 6}
	bitWords = [3][9]bitProduct{1: {1: bitWords1x1, 8: bitWords8x1}, 2: {1: bitWords1x2, 6: bitWords6x2}}
)

type bitProduct = func(acc *int32, stride int, x *uint8, offsets *int32, tiles int, w *uint32, start *int32, height, steps, skip int)

// panel multiplies rows of the buffer with the panel of weights that starts at a channel.
func (p *bitPlan) panel(acc []int32, stride int, x []uint8, channel, rows int) {
	c := &p.c
	steps := c.KW * c.InC / p.step
	width, each := min(bitPanel, len(p.start)-channel), c.KH*c.KW*c.InC/4
	w, start := p.weights[channel*each:][:width*each], p.start[channel:][:width]
	skip := p.pitch() - steps*p.step
	n := bitRows[width/16]
	one, main := bitWords[width/16][1], bitWords[width/16][n]
	if p.grouped {
		n, one, main = 4, bitGroups1, bitGroups4
	}
	run := func(product bitProduct, first, n, tiles int) {
		last := first + n*tiles - 1
		_, _ = acc[last*stride+width-1], x[int(p.offsets[last])+c.KH*p.pitch()-skip-1]
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
