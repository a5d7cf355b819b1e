// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package kernel

import "encoding/binary"

// signsAVX2 is the convolution with weights -1 and +1 by XOR and the number of bits that differ, four taps in a byte.
// Its products are those of dotAVX2, of a convolution whose channels are these bytes.
type signsAVX2 struct {
	dotAVX2
	in    int // channels of the input
	signs int // of a code; a tile has the accumulators of each, one after the other, before they are interleaved
}

func newSignsAVX2(c Conv, n int, weights []int16) Plan {
	if !areSigns(weights) {
		return newSigns(c, n, weights, newAVX2)
	}
	if c.Groups > 1 {
		return newBits(c, n, weights)
	}
	bytes := (c.InC + 3) / 4
	if c.KW%4 != 0 {
		bytes = (bytes + 3) / 4 * 4 // a line of the kernel is whole steps
	}
	taps := c.KH * c.KW * c.InC
	p := &signsAVX2{in: c.InC, signs: n}
	c.InC, c.OutC, c.Own, c.Zero, c.Max = bytes, c.OutC/n, max(1, c.Own/n), 0, 15
	narrow := make([]int8, c.OutC*c.KH*c.KW*bytes)
	for i, w := range weights {
		if w == 1 {
			narrow[i/p.in*bytes+i%p.in/4] |= 1 << (i % p.in % 4)
		}
	}
	p.dotAVX2 = dotAVX2{band: band{c: c, width: 1}, signs: true}
	p.prepare(narrow)
	for o := range c.OutC {
		p.start[o] = int32(taps)
	}
	return p
}

func (p *signsAVX2) Name() string { return "avx2 1-bit" }

func (p *signsAVX2) MaxTile() int { return p.dotAVX2.MaxTile() * p.signs }

func (p *signsAVX2) Needs() Needs {
	n := p.dotAVX2.Needs()
	if p.signs > 1 {
		n.Sums = p.channels * p.signs
	}
	return n
}

func (p *signsAVX2) Tile(i, batch int) Tile {
	t := p.dotAVX2.Tile(i, batch)
	return Tile{t.Row, t.Rows, t.Channel * p.signs, t.Channels * p.signs, t.Stride * p.signs}
}

func (p *signsAVX2) Accumulate(acc []int32, x []uint8, t Tile, s *Scratch) {
	plane := Tile{t.Row, t.Rows, t.Channel / p.signs, t.Channels / p.signs, t.Stride / p.signs}
	for k := range p.signs {
		p.pack(s.Bytes, x, t, k)
		p.products(acc[k*plane.Stride:], t.Stride, plane, s)
	}
	if p.signs > 1 {
		interleave(acc, t, p.signs, s.Sums)
	}
}

// interleave puts the accumulators of the signs of an output next to each other, where a row of the tile has those of
// all outputs for one sign after the other.
func interleave(acc []int32, t Tile, signs int, buffer []int64) {
	row, outputs, stride := buffer[:t.Channels], t.Channels/signs, t.Stride/signs
	for r := range t.Rows {
		acc := acc[r*t.Stride:][:t.Stride]
		for k := range signs {
			for i, v := range acc[k*stride:][:outputs] {
				row[i*signs+k] = int64(v)
			}
		}
		for i, v := range row {
			acc[i] = int32(v)
		}
	}
}

// pack fills the buffer for the rows of a tile with sign k of the codes.
func (p *signsAVX2) pack(buffer, x []uint8, t Tile, k int) {
	n := p.c.InC
	if p.flat {
		for r := range t.Rows {
			packSigns(buffer[r*n:][:n], x[(t.Row+r)*p.in:][:p.in], k)
		}
		return
	}
	pixels := p.c.InH * p.c.InW
	x = x[t.Row/p.c.Pixels()*pixels*p.in:][:pixels*p.in]
	p.copyLines(buffer, t.Row, t.Rows, func(line []uint8, first, columns int) {
		for i := range columns {
			packSigns(line[i*n:][:n], x[(first+i)*p.in:][:p.in], k)
		}
	})
}

// packSigns packs sign k of four codes in each byte of dst, which is long enough, and zeros behind.
func packSigns(dst, codes []uint8, k int) {
	const lowest, gather = 0x01010101, 1<<24 | 1<<17 | 1<<10 | 1<<3
	i := 0
	for ; 4*i+4 <= len(codes); i++ {
		four := binary.LittleEndian.Uint32(codes[4*i:]) >> k & lowest
		dst[i] = uint8(uint64(four)*gather>>24) & 15 // bit i is that of code i: no two products meet in a bit
	}
	clear(dst[i:])
	for at, q := range codes[4*i:] {
		dst[i] |= q >> k & 1 << at
	}
}
