// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// A convolution of signs sums ±w, with -1 as padding: an output has an accumulator for each sign of the
// input's codes.

// signs is the convolution as it is defined, tap by tap.
type signs struct {
	signRows
	c       Conv
	weights []int16
}

// signRows are the tiles of so many signs.
type signRows struct {
	rowTiles
	signs int
}

func (r signRows) MaxTile() int { return r.rowTiles.MaxTile() * r.signs }

func newReferenceSigns(c Conv, n int, weights []int16) Plan {
	return &signs{signRows{rowTiles{c.Pixels(), 16, c.OutC}, n}, c, weights}
}

func (p *signs) Needs() Needs { return Needs{} }

func (p *signs) Accumulate(acc []int32, x []uint8, t Tile, _ *Scratch) {
	for k := range p.signs {
		for r := range t.Rows {
			image, pixel := (t.Row+r)/p.c.Pixels(), (t.Row+r)%p.c.Pixels()
			for o := range t.Channels {
				acc[r*t.Stride+o] = p.dot(x[image*p.c.InLen():], pixel/p.c.OutW, pixel%p.c.OutW, t.Channel+o, k)
			}
		}
		acc = acc[t.Rows*t.Stride:]
	}
}

// dot returns Σ ±w for one output and sign.
func (p *signs) dot(x []uint8, oy, ox, o, sign int) int32 {
	c := &p.c
	in := c.InC / c.Groups
	base := o / (c.OutC / c.Groups) * in
	w := p.weights[o*c.KH*c.KW*in:]
	var acc int32
	for ky := range c.KH {
		for kx := range c.KW {
			y, x0 := oy*c.StrideH-c.Top+ky, ox*c.StrideW-c.Left+kx
			for i := range in {
				v := int32(w[(ky*c.KW+kx)*in+i])
				if y >= 0 && y < c.InH && x0 >= 0 && x0 < c.InW && x[(y*c.InW+x0)*c.InC+base+i]>>sign&1 == 1 {
					acc += v
				} else {
					acc -= v
				}
			}
		}
	}
	return acc
}

// AreSigns says whether all weights are -1 or +1.
func AreSigns(weights []int16) bool {
	return !slices.ContainsFunc(weights, func(w int16) bool { return w != 1 && w != -1 })
}

// signBits is the convolution with weights -1 and +1, as 0 and 1 in the bits of words: the sum over n taps is n less
// twice the number of those that differ.
type signBits struct {
	signRows
	c       Conv
	words   int      // of the taps of an output
	weights []uint64 // [c.OutC][words]
}

// NewBits prepares a convolution of signs in portable Go.
func NewBits(c Conv, n int, weights []int16) Plan {
	if !AreSigns(weights) || areCodes(c) {
		return NewSigns(c, n, weights, NewGeneric)
	}
	taps := c.KH * c.KW * c.InC / c.Groups
	p := &signBits{signRows: signRows{rowTiles{c.Pixels(), 16, c.OutC}, n}, c: c, words: (taps + 63) / 64}
	p.weights = make([]uint64, len(weights)/taps*p.words)
	for i, w := range weights {
		if w == 1 {
			p.weights[i/taps*p.words+i%taps/64] |= 1 << (i % taps % 64)
		}
	}
	return p
}

func (p *signBits) Needs() Needs { return Needs{Words: p.words * p.signs} }

func (p *signBits) Accumulate(acc []int32, x []uint8, t Tile, s *Scratch) {
	c := &p.c
	patch := s.Words[:p.words*p.signs]
	perGroup := c.OutC / c.Groups
	taps := int32(c.KH * c.KW * c.InC / c.Groups)
	for r := range t.Rows {
		image, pixel := (t.Row+r)/c.Pixels(), (t.Row+r)%c.Pixels()
		for g := range c.Groups {
			p.gather(patch, x[image*c.InLen():], pixel/c.OutW, pixel%c.OutW, g*c.InC/c.Groups)
			for k := range p.signs {
				row, patch := acc[(k*t.Rows+r)*t.Stride:][:c.OutC], patch[k*p.words:][:p.words]
				for o := g * perGroup; o < (g+1)*perGroup; o++ {
					w := p.weights[o*p.words:][:len(patch)]
					differ := 0
					for i, v := range patch {
						differ += bits.OnesCount64(v ^ w[i])
					}
					row[o] = taps - 2*int32(differ)
				}
			}
		}
	}
}

// gather packs the signs under the kernel at one output, of the group's channels from base: [sign][words].
func (p *signBits) gather(patch []uint64, x []uint8, oy, ox, base int) {
	c := &p.c
	n := c.InC / c.Groups
	firstY, lastY, y0 := Taps(oy, c.StrideH, c.Top, c.KH, c.InH)
	firstX, lastX, x0 := Taps(ox, c.StrideW, c.Left, c.KW, c.InW)
	clear(patch)
	for ky := firstY; ky < lastY; ky++ {
		for kx := firstX; kx < lastX; kx++ {
			at := (ky*c.KW + kx) * n
			codes := x[((y0+ky)*c.InW+x0+kx)*c.InC+base:][:n]
			for k := range p.signs {
				appendSigns(patch[k*p.words:][:p.words], at, codes, k)
			}
		}
	}
}

// appendSigns sets the bits of words, from bit at, to sign k of the codes; they are 0 before.
func appendSigns(words []uint64, at int, codes []uint8, k int) {
	const lowest, gather = 0x0101010101010101, 0x0102040810204080
	for ; len(codes) >= 8; codes, at = codes[8:], at+8 {
		eight := binary.LittleEndian.Uint64(codes) >> k & lowest
		eight = eight * gather >> 56 // bit i is that of code i: no two products meet in a bit
		words[at/64] |= eight << (at % 64)
		if at%64 > 56 {
			words[at/64+1] |= eight >> (64 - at%64)
		}
	}
	for i, q := range codes {
		words[(at+i)/64] |= uint64(q>>k&1) << ((at + i) % 64)
	}
}
