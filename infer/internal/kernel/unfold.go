// SPDX-License-Identifier: Apache-2.0

package kernel

// An Unfolding brings the codes under a dilated kernel next to each other, so that its convolution is one of single
// pixels, which every set of kernels has.
type Unfolding struct {
	c                    Conv
	dilationH, dilationW int
}

// Unfold returns the unfolding of a convolution whose taps lie so far apart, and the convolution that is left to do, with
// the same weights.
func Unfold(c Conv, dilationH, dilationW int) (*Unfolding, Conv) {
	flat := c
	flat.InH, flat.InW, flat.InC = c.OutH, c.OutW, c.KH*c.KW*c.InC
	flat.KH, flat.KW, flat.StrideH, flat.StrideW, flat.Top, flat.Left = 1, 1, 1, 1, 0, 0
	return &Unfolding{c, dilationH, dilationW}, flat
}

// Row returns the codes of a row of the unfolded tensor.
func (u *Unfolding) Row() int { return u.c.KH * u.c.KW * u.c.InC }

// Rows writes rows [row, row+rows) of the unfolded tensor of the batch x to dst: group by group, tap by tap, the zero
// point as padding.
func (u *Unfolding) Rows(dst, x []uint8, row, rows int) {
	c := &u.c
	in := c.InC / c.Groups
	for r := row; r < row+rows; r++ {
		image, pixel := r/c.Pixels(), r%c.Pixels()
		codes := x[image*c.InLen():][:c.InLen()]
		y0, x0 := pixel/c.OutW*c.StrideH-c.Top, pixel%c.OutW*c.StrideW-c.Left
		for g := range c.Groups {
			for ky := range c.KH {
				for kx := range c.KW {
					y, x := y0+ky*u.dilationH, x0+kx*u.dilationW
					to := dst[:in]
					dst = dst[in:]
					if y >= 0 && y < c.InH && x >= 0 && x < c.InW {
						copy(to, codes[(y*c.InW+x)*c.InC+g*in:])
						continue
					}
					for i := range to {
						to[i] = uint8(c.Zero)
					}
				}
			}
		}
	}
}
