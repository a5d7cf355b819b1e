// SPDX-License-Identifier: Apache-2.0

package kernel

// reference is a convolution as it is defined, tap by tap.
type reference struct {
	rowTiles
	c       Conv
	weights []int8
}

func newReference(c Conv, weights []int8) Plan {
	return &reference{rowTiles{c.Pixels(), 16, c.OutC}, c, weights}
}

func (p *reference) Needs() Needs { return Needs{} }

func (p *reference) Accumulate(acc []int32, x []uint8, t Tile, _ *Scratch) {
	c := &p.c
	for r := range t.Rows {
		image, pixel := (t.Row+r)/c.Pixels(), (t.Row+r)%c.Pixels()
		for o := range t.Channels {
			acc[r*t.Stride+o] = p.dot(x[image*c.InLen():], pixel/c.OutW, pixel%c.OutW, t.Channel+o)
		}
	}
}

// dot returns Σ (q - zero)·w for one output.
func (p *reference) dot(x []uint8, oy, ox, o int) int32 {
	c := &p.c
	in := c.InC / c.Groups
	base := o / (c.OutC / c.Groups) * in // the first input channel of the group
	var acc int32
	for ky := range c.KH {
		for kx := range c.KW {
			y, x0 := oy*c.StrideH-c.Top+ky, ox*c.StrideW-c.Left+kx
			if y < 0 || y >= c.InH || x0 < 0 || x0 >= c.InW {
				continue // padding: q - zero is 0
			}
			for i := range in {
				q := x[(y*c.InW+x0)*c.InC+base+i]
				acc += (int32(q) - c.Zero) * int32(p.weights[((o*c.KH+ky)*c.KW+kx)*in+i])
			}
		}
	}
	return acc
}
