// SPDX-License-Identifier: Apache-2.0

package kernel

// depthwise is a convolution with one input channel for each output channel, tap by tap over all channels.
type depthwise struct {
	rowTiles
	c       Conv
	weights []int8 // [tap][channel]
}

func newDepthwise(c Conv, weights []int8) Plan {
	taps := c.KH * c.KW
	p := &depthwise{rowTiles{c.Pixels(), 16, c.OutC}, c, make([]int8, len(weights))}
	for o := range c.OutC {
		for k := range taps {
			p.weights[k*c.OutC+o] = weights[o*taps+k]
		}
	}
	return p
}

func (p *depthwise) Name() string { return "generic" }

func (p *depthwise) Needs() Needs { return Needs{} }

func (p *depthwise) Accumulate(acc []int32, x []uint8, t Tile, _ *Scratch) {
	c := &p.c
	for r := range t.Rows {
		image, pixel := (t.Row+r)/c.Pixels(), (t.Row+r)%c.Pixels()
		codes, row := x[image*c.InLen():], acc[r*t.Stride:][:t.Channels]
		clear(row)
		firstY, lastY, y0 := Taps(pixel/c.OutW, c.StrideH, c.Top, c.KH, c.InH)
		firstX, lastX, x0 := Taps(pixel%c.OutW, c.StrideW, c.Left, c.KW, c.InW)
		for ky := firstY; ky < lastY; ky++ {
			for kx := firstX; kx < lastX; kx++ {
				q := codes[((y0+ky)*c.InW+x0+kx)*c.InC:][:len(row)]
				w := p.weights[(ky*c.KW+kx)*c.OutC:][:len(row)]
				for i := range row {
					row[i] += (int32(q[i]) - c.Zero) * int32(w[i])
				}
			}
		}
	}
}
