// SPDX-License-Identifier: Apache-2.0

package vector

import (
	"encoding/binary"

	"github.com/goqat/goqat/infer/internal/kernel"
)

// dotSignsPlan is the convolution with weights -1 and +1 by XOR and the number of bits that differ, with the signs of some
// taps in a byte. Its products are those of dotPlan, of a convolution whose channels are these bytes.
type dotSignsPlan struct {
	dotPlan
	in      int // channels of the input
	signs   int // of a code
	perByte int // taps, 4 or 8
}

// SignCodes says whether a convolution of signs is one of codes: of groups, which have few signs to a word.
func SignCodes(c kernel.Conv) bool { return c.Groups > 1 }

// NewDotSigns prepares a convolution of signs by products of so many of them a byte; by plan, of codes, where weights are
// others or there are groups.
func (p *Processor) NewDotSigns(c kernel.Conv, n int, weights []int16, plan func(c kernel.Conv, weights []int8) kernel.Plan, dot *Dot, perByte int) kernel.Plan {
	if !kernel.AreSigns(weights) || SignCodes(c) {
		return kernel.NewSigns(c, n, weights, plan)
	}
	d := &dotSignsPlan{in: c.InC, signs: n, perByte: perByte}
	bytes := (c.InC + perByte - 1) / perByte
	if c.KW%4 != 0 {
		bytes = (bytes + 3) / 4 * 4 // a line of the kernel is whole steps
	}
	taps := c.KH * c.KW * c.InC
	c.InC, c.Zero, c.Max = bytes, 0, 1<<perByte-1
	packed := make([]int8, c.OutC*c.KH*c.KW*bytes)
	for i, w := range weights {
		if w == 1 {
			packed[i/d.in*bytes+i%d.in/perByte] |= int8(1 << (i % d.in % perByte))
		}
	}
	d.dotPlan = *p.newDot(c, packed, dot, false)
	for o := range c.OutC {
		d.start[o] = int32(taps)
	}
	return d
}

func (p *dotSignsPlan) MaxTile() int { return p.dotPlan.MaxTile() * p.signs }

func (p *dotSignsPlan) Accumulate(acc []int32, x []uint8, t kernel.Tile, s *kernel.Scratch) {
	for k := range p.signs {
		p.pack(s.Bytes, x, t, k)
		p.products(acc, s.Bytes, t)
		acc = acc[t.Rows*t.Stride:]
	}
}

// pack fills the buffer for the rows of a tile with sign k of the codes.
func (p *dotSignsPlan) pack(buffer, x []uint8, t kernel.Tile, k int) {
	n := p.C.InC
	if p.Flat {
		for r := range t.Rows {
			packSigns(p.perByte, buffer[r*n:][:n], x[(t.Row+r)*p.in:][:p.in], k)
		}
		return
	}
	pixels := p.C.InH * p.C.InW
	x = x[t.Row/p.C.Pixels()*pixels*p.in:][:pixels*p.in]
	p.CopyLines(buffer, t.Row, t.Rows, func(line []uint8, first, columns int) {
		for i := range columns {
			packSigns(p.perByte, line[i*n:][:n], x[(first+i)*p.in:][:p.in], k)
		}
	})
}

// packSigns packs sign k of so many codes, 4 or 8, in each byte of dst, which is long enough, and zeros after.
func packSigns(perByte int, dst, codes []uint8, k int) {
	const lowest, gather = 0x0101010101010101, 0x0102040810204080
	clear(dst)
	for ; len(codes) >= 8; codes = codes[8:] {
		eight := binary.LittleEndian.Uint64(codes) >> k & lowest
		eight = eight * gather >> 56 // bit i is that of code i: no two products meet in a bit
		if perByte == 8 {
			dst[0] = uint8(eight)
			dst = dst[1:]
		} else {
			dst[0], dst[1] = uint8(eight&15), uint8(eight>>4)
			dst = dst[2:]
		}
	}
	for i, q := range codes {
		dst[i/perByte] |= q >> k & 1 << (i % perByte)
	}
}
