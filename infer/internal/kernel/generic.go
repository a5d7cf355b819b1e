// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"math/bits"

	"github.com/goqat/goqat/fixed"
)

// generic is a convolution in portable Go. It gathers the codes under the kernel, padding included, into one row of
// bytes, and multiplies each with the weights of several channels at once: with w₀ + w₁·2ⁿ + w₂·2²ⁿ + … in one 64-bit word,
// Σ q·word is Σ q·w₀ + 2ⁿ·Σ q·w₁ + … modulo 2⁶⁴, from which all sums, proved to fit n bits, come back exactly. Sums of
// 32 bits are two channels a word; weights and codes of few bits leave room for three and more.
type generic struct {
	rowTiles
	c     Conv
	group Conv // the convolution of one group, for the number of its outputs
	lanes lanes
	words []int64 // [group][word][tap]
	start []int64 // [group][word]: -zero·Σ w of its channels
}

// lanes is how sums share a word: so many, of so many bits.
type lanes struct{ n, width int }

// NewGeneric prepares a convolution in portable Go.
func NewGeneric(c Conv, weights []int8) Plan {
	if c.Groups > 1 && c.Groups == c.InC && c.Groups == c.OutC {
		return newDepthwise(c, weights)
	}
	group := c
	group.InC, group.OutC, group.Groups = c.InC/c.Groups, c.OutC/c.Groups, 1
	p := &generic{rowTiles: rowTiles{c.Pixels(), 16, c.OutC}, c: c, group: group}
	taps := group.InC * c.KH * c.KW
	p.lanes = lanesOf(&c, weights, taps)
	perGroup := p.lanes.words(group.OutC)
	p.words, p.start = make([]int64, c.Groups*perGroup*taps), make([]int64, c.Groups*perGroup)
	for o := range c.OutC {
		g, channel := o/group.OutC, o%group.OutC
		word, shift := g*perGroup+channel/p.lanes.n, channel%p.lanes.n*p.lanes.width
		to := p.words[word*taps:][:taps]
		for k, w := range weights[o*taps:][:taps] {
			to[k] += int64(w) << shift
			p.start[word] -= int64(c.Zero) * int64(w) << shift
		}
	}
	return p
}

// lanesOf returns the most lanes that hold the sums of any codes with the weights, in lines of taps.
func lanesOf(c *Conv, weights []int8, taps int) lanes {
	bound := int64(0)
	for first := 0; first < len(weights); first += taps {
		bound = max(bound, fixed.DotBound(weights[first:][:taps], min(0, -c.Zero), max(0, c.Max-c.Zero)))
	}
	n := max(2, 64/(bits.Len64(uint64(bound))+1))
	return lanes{n, 64 / n}
}

// words returns the words of so many channels.
func (l lanes) words(channels int) int { return (channels + l.n - 1) / l.n }

// split puts the numbers of a word in acc.
func (l lanes) split(acc []int32, word int64) {
	unused := 64 - l.width
	for i := range acc {
		low := word << unused >> unused
		acc[i] = int32(low)
		word = (word - low) >> l.width
	}
}

func (p *generic) Name() string { return "generic" }

func (p *generic) Needs() Needs { return Needs{Bytes: p.group.InC * p.c.KH * p.c.KW} }

func (p *generic) Accumulate(acc []int32, x []uint8, t Tile, s *Scratch) {
	c := &p.c
	patch := s.Bytes[:p.group.InC*c.KH*c.KW]
	perGroup := p.lanes.words(p.group.OutC)
	for r := range t.Rows {
		image, pixel := (t.Row+r)/c.Pixels(), (t.Row+r)%c.Pixels()
		row := acc[r*t.Stride:][:t.Channels]
		for g := range c.Groups {
			codes := patch
			if c.KH == 1 && c.KW == 1 && c.Groups == 1 && c.Top == 0 && c.Left == 0 {
				y, x0 := pixel/c.OutW*c.StrideH, pixel%c.OutW*c.StrideW
				codes = x[image*c.InLen()+(y*c.InW+x0)*c.InC:][:c.InC]
			} else {
				p.gather(patch, x[image*c.InLen():], pixel/c.OutW, pixel%c.OutW, g*p.group.InC)
			}
			p.dot(row[g*p.group.OutC:][:p.group.OutC], codes, p.words[g*perGroup*len(codes):], p.start[g*perGroup:][:perGroup])
		}
	}
}

// gather copies the codes under the kernel at one output, of the group's channels from base, to patch.
func (p *generic) gather(patch, x []uint8, oy, ox, base int) {
	c, n := &p.c, p.group.InC
	firstY, lastY, y0 := Taps(oy, c.StrideH, c.Top, c.KH, c.InH)
	firstX, lastX, x0 := Taps(ox, c.StrideW, c.Left, c.KW, c.InW)
	if firstY > 0 || firstX > 0 || lastY < c.KH || lastX < c.KW {
		for i := range patch {
			patch[i] = uint8(c.Zero)
		}
	}
	for ky := firstY; ky < lastY; ky++ {
		dst := patch[(ky*c.KW+firstX)*n:]
		src := x[((y0+ky)*c.InW+x0+firstX)*c.InC+base:]
		if c.Groups == 1 {
			copy(dst, src[:(lastX-firstX)*n])
			continue
		}
		for kx := range lastX - firstX {
			copy(dst[kx*n:(kx+1)*n], src[kx*c.InC:])
		}
	}
}

// dot fills acc with the sums of x·w of a group.
func (p *generic) dot(acc []int32, x []uint8, words, start []int64) {
	n := p.lanes.n
	for len(start) > 0 {
		var sums [4]int64
		together := copy(sums[:], start)
		if together == len(sums) {
			dotFour(&sums, x, words)
		} else {
			together = 1
			sums[0] += dotOne(x, words)
		}
		for _, word := range sums[:together] {
			most := min(n, len(acc))
			p.lanes.split(acc[:most], word)
			acc = acc[most:]
		}
		words, start = words[together*len(x):], start[together:]
	}
}

// dotFour adds Σ x·w of four words. Four taps a turn save jumps, each of which Go takes through a table in WebAssembly.
func dotFour(sums *[4]int64, x []uint8, words []int64) {
	n := len(x)
	w0, w1, w2, w3 := words[:n], words[n:][:n], words[2*n:][:n], words[3*n:][:n]
	s0, s1, s2, s3 := sums[0], sums[1], sums[2], sums[3]
	for k := 3; k < len(x); k += 4 {
		q0, q1, q2, q3 := int64(x[k-3]), int64(x[k-2]), int64(x[k-1]), int64(x[k])
		s0 += q0*w0[k-3] + q1*w0[k-2] + q2*w0[k-1] + q3*w0[k]
		s1 += q0*w1[k-3] + q1*w1[k-2] + q2*w1[k-1] + q3*w1[k]
		s2 += q0*w2[k-3] + q1*w2[k-2] + q2*w2[k-1] + q3*w2[k]
		s3 += q0*w3[k-3] + q1*w3[k-2] + q2*w3[k-1] + q3*w3[k]
	}
	for k := n &^ 3; k < n; k++ {
		q := int64(x[k])
		s0 += q * w0[k]
		s1 += q * w1[k]
		s2 += q * w2[k]
		s3 += q * w3[k]
	}
	*sums = [4]int64{s0, s1, s2, s3}
}

// dotOne returns Σ x·w of one word.
func dotOne(x []uint8, w []int64) (sum int64) {
	w = w[:len(x)]
	for k := 3; k < len(x); k += 4 {
		sum += int64(x[k-3])*w[k-3] + int64(x[k-2])*w[k-2] + int64(x[k-1])*w[k-1] + int64(x[k])*w[k]
	}
	for k := len(x) &^ 3; k < len(x); k++ {
		sum += int64(x[k]) * w[k]
	}
	return sum
}
