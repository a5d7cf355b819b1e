// SPDX-License-Identifier: Apache-2.0

package kernel

// A Remainder is what weights have beyond int8, for plans that take no more: the few weights +128 of powers of two.
type Remainder struct {
	c    Conv
	taps [][]tap // [output channel]
}

type tap struct {
	ky, kx, channel int
	weight          int32
}

// NewRemainder splits weights [OutC][KH][KW][InC/Groups] into those that fit int8 and a remainder, nil if there is none.
func NewRemainder(c Conv, weights []int16) ([]int8, *Remainder) {
	narrow, lost := make([]int8, len(weights)), int16(0)
	for i, w := range weights {
		narrow[i] = int8(w)
		lost |= w ^ int16(int8(w))
	}
	if lost == 0 {
		return narrow, nil
	}
	p := &Remainder{c: c, taps: make([][]tap, c.OutC)}
	in := c.InC / c.Groups
	each := c.KH * c.KW * in
	for i, w := range weights {
		fits := min(max(w, -128), 127)
		narrow[i] = int8(fits)
		if w != fits {
			o, k := i/each, i%each
			base := o / (c.OutC / c.Groups) * in
			p.taps[o] = append(p.taps[o], tap{k / in / c.KW, k / in % c.KW, base + k%in, int32(w - fits)})
		}
	}
	return narrow, p
}

// Add adds Σ (q - zero)·w of the remainder to the accumulators of a tile.
func (p *Remainder) Add(acc []int32, x []uint8, t Tile) {
	c := &p.c
	for r := range t.Rows {
		image, pixel := (t.Row+r)/c.Pixels(), (t.Row+r)%c.Pixels()
		codes := x[image*c.InLen():]
		y0, x0 := pixel/c.OutW*c.StrideH-c.Top, pixel%c.OutW*c.StrideW-c.Left
		for o, taps := range p.taps[t.Channel:][:t.Channels] {
			for _, k := range taps {
				iy, ix := y0+k.ky, x0+k.kx
				if iy >= 0 && iy < c.InH && ix >= 0 && ix < c.InW {
					acc[r*t.Stride+o] += (int32(codes[(iy*c.InW+ix)*c.InC+k.channel]) - c.Zero) * k.weight
				}
			}
		}
	}
}
