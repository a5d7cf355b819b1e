// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package kernel

import "golang.org/x/sys/cpu"

//go:generate sh -c "cd _asm && ./generate.sh dot"

func platformSets() []Set {
	return []Set{{Name: "avx2", Supported: cpu.X86.HasAVX2, Plan: newAVX2, Finish: finishGeneric}}
}

const (
	panel   = 16 // output channels of one call of a dot product
	dotRows = 6  // rows of its tiles
)

// avx2 is a convolution as products of rows of codes with panels of 16 output channels. A tile first copies the codes
// it needs, with the padding, to a buffer, in which the codes under one row of the kernel follow each other: no code is
// copied more than once, and the products read the buffer in place.
//
// Codes are widened to 16 bits and multiplied by VPMADDWD, exact for all codes. Where the weights and the bits of the
// input prove that two or more successive products of VPMADDUBSW fit int16, codes stay bytes, at twice the speed.
type avx2 struct {
	c       Conv
	width   int     // bytes of a code in the buffer, 1 or 2
	height  int     // parts of x·w, the rows of the kernel
	steps   int     // of one part, of 4/width taps
	block   int     // steps whose products fit int16, where width is 1
	skip    int     // bytes in the buffer from the end of a part to the next
	weights []int8  // [panel][height][steps][16][4/width], zeros behind the taps and the channels
	start   []int32 // [channel]: -zero·Σ w; zeros behind the channels
	offsets []int32 // in the buffer, of the rows of a tile
	buffer  int     // bytes

	flat         bool // every output row has its own input row, in the same order: a linear layer or a 1 × 1 convolution
	pitch        int  // bytes of a row of the buffer
	tileRows     int  // flat: rows; else: rows of the output image
	tileChannels int
}

func newAVX2(c Conv, weights []int8) Plan {
	if c.Groups > 1 {
		return newGeneric(c, weights)
	}
	p := &avx2{c: c, height: c.KH, width: 1}
	taps := c.KW * c.InC
	if p.block = wordBlock(weights, c.KH, taps, c.Max); p.block < 2 {
		p.width = 2
	}
	perStep := 4 / p.width
	p.steps = (taps + perStep - 1) / perStep
	p.flat = c.KH == 1 && c.KW == 1 && c.InH == c.OutH && c.InW == c.OutW
	p.pack(weights, taps, perStep)
	p.cut()
	if p.flat {
		p.pitch = p.steps * 4
	} else {
		p.pitch = ((c.OutW-1)*c.StrideW + c.KW) * c.InC * p.width
	}
	p.skip = p.pitch - p.steps*4
	pixels := p.tileRows
	inRows := p.tileRows
	if !p.flat {
		pixels *= c.OutW
		inRows = (p.tileRows-1)*c.StrideH + c.KH
	}
	p.buffer = inRows*p.pitch + 4
	for i := range pixels {
		offset := i * p.pitch
		if !p.flat {
			offset = i/c.OutW*c.StrideH*p.pitch + i%c.OutW*c.StrideW*c.InC*p.width
		}
		p.offsets = append(p.offsets, int32(offset))
	}
	return p
}

// wordBlock returns the number of steps for which sums of VPMADDUBSW fit int16 whatever the codes in [0, most] are.
func wordBlock(weights []int8, height, taps int, most int32) int {
	worst := int32(1)
	for len(weights) > 0 {
		part := weights[:taps]
		for i := 0; i < taps; i += 2 {
			var positive, negative int32
			for _, w := range part[i:min(i+2, taps)] {
				positive += max(0, int32(w))
				negative += max(0, -int32(w))
			}
			worst = max(worst, positive*most, negative*most)
		}
		weights = weights[taps:]
	}
	return int((1<<15 - 1) / worst)
}

func (p *avx2) pack(weights []int8, taps, perStep int) {
	panels := (p.c.OutC + panel - 1) / panel
	p.weights = make([]int8, panels*p.height*p.steps*panel*perStep)
	p.start = make([]int32, panels*panel)
	for o := range p.c.OutC {
		for ky := range p.height {
			for k := range taps {
				w := weights[(o*p.height+ky)*taps+k]
				p.weights[(((o/panel*p.height+ky)*p.steps+k/perStep)*panel+o%panel)*perStep+k%perStep] = w
				p.start[o] -= p.c.Zero * int32(w)
			}
		}
	}
}

// Limits of a tile: its work, so that threads share a layer, its accumulators and its buffer, so that they stay in the
// caches.
const (
	tileWork   = 1 << 21
	tileAcc    = 1 << 14
	tileBuffer = 1 << 17
)

// cut chooses the size of tiles.
func (p *avx2) cut() {
	c := &p.c
	p.tileChannels = min((c.OutC+panel-1)/panel*panel, 256)
	if c.Pixels() == 1 {
		p.tileChannels = min(p.tileChannels, 128) // few rows: split the weights
	}
	work := p.steps * p.height * 4 / p.width * p.tileChannels
	rows := min(tileWork/work, tileAcc/p.tileChannels)
	if p.flat {
		rows = min(rows, tileBuffer/(p.steps*4))
		p.tileRows = max(dotRows, rows/dotRows*dotRows)
		return
	}
	line := c.StrideH * ((c.OutW-1)*c.StrideW + c.KW) * c.InC * p.width
	most := max(1, min(rows/c.OutW, tileBuffer/line))
	bands := (c.OutH + most - 1) / most
	p.tileRows = (c.OutH + bands - 1) / bands
}

func (p *avx2) Needs() Needs { return Needs{Bytes: p.buffer} }

func (p *avx2) MaxTile() int { return len(p.offsets) * p.tileChannels }

// chunks returns the number of tiles side by side in the channels, and bands that of one image, or of the batch where
// flat, below each other.
func (p *avx2) chunks() int { return (p.c.OutC + p.tileChannels - 1) / p.tileChannels }

func (p *avx2) bands(batch int) int {
	if p.flat {
		return (batch*p.c.Pixels() + p.tileRows - 1) / p.tileRows
	}
	return batch * ((p.c.OutH + p.tileRows - 1) / p.tileRows)
}

func (p *avx2) Tiles(batch int) int { return p.chunks() * p.bands(batch) }

func (p *avx2) Tile(i, batch int) Tile {
	band, channel := i/p.chunks(), i%p.chunks()*p.tileChannels
	t := Tile{Channel: channel, Channels: min(p.tileChannels, p.c.OutC-channel)}
	t.Stride = (t.Channels + panel - 1) / panel * panel
	if p.flat {
		t.Row = band * p.tileRows
		t.Rows = min(p.tileRows, batch*p.c.Pixels()-t.Row)
		return t
	}
	perImage := p.bands(1)
	y := band % perImage * p.tileRows
	t.Row = (band/perImage*p.c.OutH + y) * p.c.OutW
	t.Rows = min(p.tileRows, p.c.OutH-y) * p.c.OutW
	return t
}

func (p *avx2) Accumulate(acc []int32, x []uint8, t Tile, s *Scratch) {
	buffer := s.Bytes[:p.buffer]
	if p.flat {
		p.copyRows(buffer, x[t.Row*p.c.InC:][:t.Rows*p.c.InC])
	} else {
		p.copyBand(buffer, x, t)
	}
	p.dot(acc, buffer, t)
}

// copyRows copies rows of InC codes to rows of pitch bytes; what is behind the codes meets weights of 0.
func (p *avx2) copyRows(buffer, x []uint8) {
	for len(x) > 0 {
		p.copyCodes(buffer, x[:p.c.InC])
		buffer, x = buffer[p.pitch:], x[p.c.InC:]
	}
}

func (p *avx2) copyCodes(dst, codes []uint8) {
	if p.width == 1 {
		copy(dst, codes)
		return
	}
	for i, q := range codes {
		dst[2*i], dst[2*i+1] = q, 0
	}
}

// copyBand copies the rows of an input image that a tile needs, with the padding around them.
func (p *avx2) copyBand(buffer, x []uint8, t Tile) {
	c := &p.c
	image, y := t.Row/c.Pixels(), t.Row%c.Pixels()/c.OutW*c.StrideH-c.Top
	x = x[image*c.InLen():][:c.InLen()]
	columns := (c.OutW-1)*c.StrideW + c.KW
	left := c.Left
	inside := min(c.InW, columns-left) // columns of the image that the buffer holds
	for range (t.Rows/c.OutW-1)*c.StrideH + c.KH {
		line := buffer[:p.pitch]
		if y < 0 || y >= c.InH {
			p.fill(line)
		} else {
			p.fill(line[:left*c.InC*p.width])
			p.copyCodes(line[left*c.InC*p.width:], x[y*c.InW*c.InC:][:inside*c.InC])
			p.fill(line[(left+inside)*c.InC*p.width:])
		}
		buffer = buffer[p.pitch:]
		y++
	}
}

// fill fills a part of the buffer with the zero point.
func (p *avx2) fill(line []uint8) {
	for i := range line {
		line[i] = uint8(p.c.Zero)
	}
	if p.width == 2 {
		for i := 1; i < len(line); i += 2 {
			line[i] = 0
		}
	}
}

// dot multiplies the rows of the buffer with the panels of a tile's channels.
func (p *avx2) dot(acc []int32, x []uint8, t Tile) {
	size := p.height * p.steps * panel * 4 / p.width
	for first := 0; first < t.Channels; first += panel {
		w := p.weights[(t.Channel+first)/panel*size:][:size]
		start := p.start[t.Channel+first:][:panel]
		whole := t.Rows / dotRows
		if whole > 0 {
			p.dotTiles(dotRows, acc[first:], t.Stride, x, p.offsets, whole, w, start)
		}
		if rest := t.Rows % dotRows; rest > 0 {
			done := whole * dotRows
			p.dotTiles(rest, acc[done*t.Stride+first:], t.Stride, x, p.offsets[done:], 1, w, start)
		}
	}
}

// dotTiles multiplies tiles of n rows, from 1 to 6, with one panel.
func (p *avx2) dotTiles(n int, acc []int32, stride int, x []uint8, offsets []int32, tiles int, w []int8, start []int32) {
	rows := n * tiles
	last := int(offsets[rows-1]) + p.height*(p.steps*4+p.skip) - p.skip
	_, _, _, _ = acc[(rows-1)*stride+panel-1], x[last-1], w[p.height*p.steps*panel*4/p.width-1], start[panel-1]
	a, o, q, v, s := &acc[0], &offsets[0], &x[0], &w[0], &start[0]
	stride *= 4
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
