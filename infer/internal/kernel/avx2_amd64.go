// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package kernel

import "golang.org/x/sys/cpu"

//go:generate sh -c "cd _asm && ./generate.sh dot"

func platformSets() []Set {
	return []Set{
		{Name: "avx512vnni", Supported: hasAVX512, Plan: newVNNI, Signs: newSignsAVX512, Finish: newVNNIFinish, Compare: newCompareAVX512, MaxPool: maxPoolAVX2, SumPool: sumPoolAVX2},
		{Name: "avx2", Supported: cpu.X86.HasAVX2, Plan: newAVX2, Signs: newSignsAVX2, Finish: newAVX2Finish, Compare: NewTerms, MaxPool: maxPoolAVX2, SumPool: sumPoolAVX2},
	}
}

func newAVX2(c Conv, weights []int8) Plan {
	switch {
	case c.Groups == 1:
		return newDotAVX2(c, weights)
	case c.Groups == c.InC && c.Groups == c.OutC && c.InC >= 16:
		return newDepthwiseAVX2(c, weights)
	default:
		return newGeneric(c, weights)
	}
}

// Limits of a tile: its work, so that threads share a layer, its accumulators and its buffer, so that they stay in the
// caches.
const (
	tileWork   = 1 << 21
	tileAcc    = 1 << 14
	tileBuffer = 1 << 17
)

const (
	panel   = 16 // output channels of one call of a dot product
	dotRows = 6  // rows of its tiles
)

// dotAVX2 is a convolution as products of rows of codes with panels of 16 output channels.
//
// Codes are widened to 16 bits and multiplied by VPMADDWD, exact for all codes. Where the weights and the bits of the
// input prove that two or more successive products of VPMADDUBSW fit int16, codes stay bytes, at twice the speed.
type dotAVX2 struct {
	band
	signs    bool    // the codes are four signs each, see signsAVX2
	flat     bool    // every output row has its own input row, in the same order: a linear layer or a 1 × 1 convolution
	rows     int     // of a tile
	channels int     // of a tile, a multiple of 16
	height   int     // parts of a product: the lines of the kernel
	steps    int     // of one part, each of 4/width taps
	skip     int     // bytes in the buffer from the end of a part to the next
	block    int     // steps whose products fit int16, where width is 1
	offsets  []int32 // in the buffer, of the rows of a tile
	weights  []int8  // [panel][height][steps][16][4/width], zeros behind the taps and the channels
	start    []int32 // [channel]: -zero·Σ w; zeros behind the channels
}

func newDotAVX2(c Conv, weights []int8) Plan {
	p := &dotAVX2{band: band{c: c, width: 1}}
	if p.block = wordBlock(weights, c.KW*c.InC, c.Max); p.block < 2 {
		p.width = 2
	}
	p.prepare(weights)
	return p
}

// prepare packs the weights and chooses the tiles, when the kind of the product is known.
func (p *dotAVX2) prepare(weights []int8) {
	c := &p.c
	p.height = c.KH
	taps, perStep := c.KW*c.InC, 4/p.width
	p.steps = (taps + perStep - 1) / perStep
	p.flat = c.KH == 1 && c.KW == 1 && c.InH == c.OutH && c.InW == c.OutW
	p.pack(weights, taps, perStep)
	p.cut()
	p.skip = p.pitch() - 4*p.steps
	for i := range p.rows {
		p.offsets = append(p.offsets, int32(p.offset(i)))
	}
}

// pitch and offset of a flat product are those of rows of whole steps.
func (p *dotAVX2) pitch() int {
	if p.flat {
		return 4 * p.steps
	}
	return p.band.pitch()
}

func (p *dotAVX2) offset(row int) int {
	if p.flat {
		return row * p.pitch()
	}
	return p.band.offset(row)
}

// wordBlock returns the number of steps for which sums of VPMADDUBSW fit int16, whatever the codes in [0, most] are;
// the weights are in lines of taps.
func wordBlock(weights []int8, taps int, most int32) int {
	worst := int32(1)
	for ; len(weights) > 0; weights = weights[taps:] {
		for i := 0; i < taps; i += 2 {
			var positive, negative int32
			for _, w := range weights[i:min(i+2, taps)] {
				positive += max(0, int32(w))
				negative += max(0, -int32(w))
			}
			worst = max(worst, positive*most, negative*most)
		}
	}
	return int((1<<15 - 1) / worst)
}

func (p *dotAVX2) pack(weights []int8, taps, perStep int) {
	panels := (p.c.OutC + panel - 1) / panel
	p.weights = make([]int8, panels*p.height*p.steps*panel*perStep)
	p.start = make([]int32, panels*panel)
	for o := range p.c.OutC {
		for ky := range p.height {
			line := weights[(o*p.height+ky)*taps:][:taps]
			to := p.weights[((o/panel*p.height+ky)*p.steps*panel+o%panel)*perStep:]
			for k, w := range line {
				to[k/perStep*panel*perStep+k%perStep] = w
				p.start[o] -= p.c.Zero * int32(w)
			}
		}
	}
}

// cut chooses the size of tiles.
func (p *dotAVX2) cut() {
	whole := panel * max(1, p.c.Own) // channels that tiles do not part
	p.channels = min((p.c.OutC+panel-1)/panel*panel, max(whole, 256/whole*whole))
	rows := tileAcc / p.channels
	if p.c.Pixels() == 1 { // few rows: tiles share the channels
		p.channels = min(p.channels, max(whole, 128/whole*whole))
	} else {
		rows = min(rows, tileWork/(p.steps*p.height*4/p.width*p.channels))
	}
	if p.flat {
		rows = min(rows, tileBuffer/p.pitch())
		p.rows = max(dotRows, rows/dotRows*dotRows)
		return
	}
	p.limit(rows, tileBuffer)
	p.rows = p.lines * p.c.OutW
}

func (p *dotAVX2) Name() string {
	if p.width == 1 {
		return "avx2 8-bit"
	}
	return "avx2 16-bit"
}

func (p *dotAVX2) MaxTile() int { return p.rows * p.channels }

func (p *dotAVX2) Needs() Needs {
	if p.flat {
		return Needs{Bytes: p.rows * p.pitch()}
	}
	return Needs{Bytes: p.band.height(p.lines)*p.pitch() + 4} // the last step can read behind the last tap
}

// beside returns the number of tiles side by side in the channels.
func (p *dotAVX2) beside() int { return (p.c.OutC + p.channels - 1) / p.channels }

func (p *dotAVX2) Tiles(batch int) int {
	if p.flat {
		return p.beside() * ((batch*p.c.Pixels() + p.rows - 1) / p.rows)
	}
	return p.beside() * batch * p.perImage()
}

func (p *dotAVX2) Tile(i, batch int) Tile {
	t := Tile{Channel: i % p.beside() * p.channels}
	t.Channels = min(p.channels, p.c.OutC-t.Channel)
	t.Stride = (t.Channels + panel - 1) / panel * panel
	i /= p.beside()
	if p.flat {
		t.Row, t.Rows = i*p.rows, min(p.rows, batch*p.c.Pixels()-i*p.rows)
	} else {
		t.Row, t.Rows = p.tile(i)
	}
	return t
}

func (p *dotAVX2) Accumulate(acc []int32, x []uint8, t Tile, s *Scratch) {
	if p.flat {
		n := p.c.InC
		for r := range t.Rows { // what is behind the codes of a row meets weights of 0
			copyCodes(s.Bytes[r*p.pitch():][:n*p.width], x[(t.Row+r)*n:], p.width)
		}
	} else {
		p.copy(s.Bytes, x, t.Row, t.Rows)
	}
	p.products(acc, t.Stride, t, s)
}

// products fills acc, rows of it stride apart, from the buffer.
func (p *dotAVX2) products(acc []int32, stride int, t Tile, s *Scratch) {
	size := p.height * p.steps * panel * 4 / p.width
	for first := 0; first < t.Channels; first += panel {
		w, start := p.weights[(t.Channel+first)/panel*size:][:size], p.start[t.Channel+first:][:panel]
		whole := t.Rows / dotRows * dotRows
		if whole > 0 {
			p.dot(dotRows, acc[first:], stride, s.Bytes, p.offsets[:whole], w, start)
		}
		if whole < t.Rows {
			p.dot(t.Rows-whole, acc[whole*stride+first:], stride, s.Bytes, p.offsets[whole:t.Rows], w, start)
		}
	}
}

// dot multiplies rows of the buffer with one panel, n at a time, from 1 to 6.
func (p *dotAVX2) dot(n int, acc []int32, stride int, x []uint8, offsets []int32, w []int8, start []int32) {
	rows := len(offsets)
	end := int(offsets[rows-1]) + p.height*(p.steps*4+p.skip) - p.skip
	_, _, _, _ = acc[(rows-1)*stride+panel-1], x[end-1], w[p.height*p.steps*panel*4/p.width-1], start[panel-1]
	a, q, o, v, s := &acc[0], &x[0], &offsets[0], &w[0], &start[0]
	tiles := rows / n
	stride *= 4
	if p.signs {
		switch n {
		case 1:
			dotSigns1(a, stride, q, o, tiles, v, s, p.height, p.steps, p.skip)
		case 2:
			dotSigns2(a, stride, q, o, tiles, v, s, p.height, p.steps, p.skip)
		case 3:
			dotSigns3(a, stride, q, o, tiles, v, s, p.height, p.steps, p.skip)
		case 4:
			dotSigns4(a, stride, q, o, tiles, v, s, p.height, p.steps, p.skip)
		case 5:
			dotSigns5(a, stride, q, o, tiles, v, s, p.height, p.steps, p.skip)
		case 6:
			dotSigns6(a, stride, q, o, tiles, v, s, p.height, p.steps, p.skip)
		}
		return
	}
	if p.width == 1 {
		switch n {
		case 1:
			dotBytes1(a, stride, q, o, tiles, v, s, p.height, p.steps, p.skip, p.block)
		case 2:
			dotBytes2(a, stride, q, o, tiles, v, s, p.height, p.steps, p.skip, p.block)
		case 3:
			dotBytes3(a, stride, q, o, tiles, v, s, p.height, p.steps, p.skip, p.block)
		case 4:
			dotBytes4(a, stride, q, o, tiles, v, s, p.height, p.steps, p.skip, p.block)
		case 5:
			dotBytes5(a, stride, q, o, tiles, v, s, p.height, p.steps, p.skip, p.block)
		case 6:
			dotBytes6(a, stride, q, o, tiles, v, s, p.height, p.steps, p.skip, p.block)
		}
		return
	}
	switch n {
	case 1:
		dotWords1(a, stride, q, o, tiles, v, s, p.height, p.steps, p.skip)
	case 2:
		dotWords2(a, stride, q, o, tiles, v, s, p.height, p.steps, p.skip)
	case 3:
		dotWords3(a, stride, q, o, tiles, v, s, p.height, p.steps, p.skip)
	case 4:
		dotWords4(a, stride, q, o, tiles, v, s, p.height, p.steps, p.skip)
	case 5:
		dotWords5(a, stride, q, o, tiles, v, s, p.height, p.steps, p.skip)
	case 6:
		dotWords6(a, stride, q, o, tiles, v, s, p.height, p.steps, p.skip)
	}
}
