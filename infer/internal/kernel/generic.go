// SPDX-License-Identifier: Apache-2.0

package kernel

// generic is a convolution in portable Go. It gathers the codes under the kernel, padding included, into one row of
// bytes, and multiplies each with two weights at once: with the pair w₀ + w₁·2³² in one 64-bit word, Σ q·pair is
// Σ q·w₀ + 2³²·Σ q·w₁ modulo 2⁶⁴, from which both sums, proved to fit int32, come back exactly.
type generic struct {
	rowTiles
	c     Conv
	group Conv      // the convolution of one group, for the number of its outputs
	pairs [][]int64 // [pair of output channels of a group][tap], groups one after the other
	start []int64   // [pair]: -zero·Σ w of both channels, as a pair
}

// NewGeneric prepares a convolution in portable Go.
func NewGeneric(c Conv, weights []int8) Plan {
	if c.Groups > 1 && c.Groups == c.InC && c.Groups == c.OutC {
		return newDepthwise(c, weights)
	}
	group := c
	group.InC, group.OutC, group.Groups = c.InC/c.Groups, c.OutC/c.Groups, 1
	p := &generic{rowTiles: rowTiles{c.Pixels(), 16, c.OutC}, c: c, group: group}
	taps := group.InC * c.KH * c.KW
	for first := 0; first < c.OutC; first += group.OutC {
		for o := first; o < first+group.OutC; o += 2 {
			pair := make([]int64, taps)
			var start int64
			for k := range pair {
				pair[k] = int64(weights[o*taps+k])
				if o+1 < first+group.OutC {
					pair[k] += int64(weights[(o+1)*taps+k]) << 32
				}
				start -= int64(c.Zero) * pair[k]
			}
			p.pairs, p.start = append(p.pairs, pair), append(p.start, start)
		}
	}
	return p
}

func (p *generic) Name() string { return "generic" }

func (p *generic) Needs() Needs { return Needs{Bytes: p.group.InC * p.c.KH * p.c.KW} }

func (p *generic) Accumulate(acc []int32, x []uint8, t Tile, s *Scratch) {
	c := &p.c
	patch := s.Bytes[:p.group.InC*c.KH*c.KW]
	perGroup := (p.group.OutC + 1) / 2
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
			dotPairs(row[g*p.group.OutC:][:p.group.OutC], codes, p.pairs[g*perGroup:], p.start[g*perGroup:])
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

// dotPairs fills acc with the sums of x·w, two channels from each row of pairs.
func dotPairs(acc []int32, x []uint8, pairs [][]int64, start []int64) {
	i := 0
	for ; 2*i+8 <= len(acc); i += 4 {
		w0, w1, w2, w3 := pairs[i][:len(x)], pairs[i+1][:len(x)], pairs[i+2][:len(x)], pairs[i+3][:len(x)]
		s0, s1, s2, s3 := start[i], start[i+1], start[i+2], start[i+3]
		for k, q := range x {
			v := int64(q)
			s0 += v * w0[k]
			s1 += v * w1[k]
			s2 += v * w2[k]
			s3 += v * w3[k]
		}
		a := acc[2*i:][:8]
		a[0], a[1] = split(s0)
		a[2], a[3] = split(s1)
		a[4], a[5] = split(s2)
		a[6], a[7] = split(s3)
	}
	for ; 2*i < len(acc); i++ {
		w, sum := pairs[i][:len(x)], start[i]
		for k, q := range x {
			sum += int64(q) * w[k]
		}
		low, high := split(sum)
		acc[2*i] = low
		if 2*i+1 < len(acc) {
			acc[2*i+1] = high
		}
	}
}

// split returns the two numbers of a pair low + high·2³².
func split(pair int64) (low, high int32) {
	low = int32(pair)
	return low, int32((pair - int64(low)) >> 32)
}
