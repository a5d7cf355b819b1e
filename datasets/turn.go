// SPDX-License-Identifier: Apache-2.0

package datasets

import "math"

// turns says whether images are turned or scaled.
func (o *Augmentation) turns() bool { return o.Rotate != 0 || o.Scale != 0 }

// A pixel has 1<<turnBits parts in the coordinates of turn; beyond an image of 1<<10 pixels a side they stay far below
// 1<<31.
const turnBits = 12

// turn sets out to the image in, turned and scaled at random, and moved like shift does.
func (f *filler) turn(out, in []uint8, down, right int) {
	angle := f.uniform(f.options.Rotate) * (math.Pi / 180)
	f.rotate(out, in, angle, 1+f.uniform(f.options.Scale), down, right)
}

// rotate turns an image about its centre by an angle in radians, enlarges it by zoom and moves it: pixels are read
// between four neighbours (bilinear), in integers; outside in they are the fill.
func (f *filler) rotate(out, in []uint8, angle, zoom float64, down, right int) {
	const one = 1 << turnBits
	s := f.shape
	sin, cos := math.Sincos(angle)
	across, along := int(math.Round(one*cos/zoom)), int(math.Round(one*sin/zoom))
	middleY, middleX := (s.Height-1)*one/2, (s.Width-1)*one/2
	for y := range s.Height {
		dy := y*one - middleY
		for x := range s.Width {
			dx := x*one - middleX
			fromY := (across*dy+along*dx)>>turnBits + middleY + down*one
			fromX := (across*dx-along*dy)>>turnBits + middleX + right*one
			f.between(out[(y*s.Width+x)*s.Channels:], in, fromY, fromX)
		}
	}
}

// between sets the channels of a pixel to those of in at a place between four pixels.
func (f *filler) between(pixel, in []uint8, y, x int) {
	const one = 1 << turnBits
	s := f.shape
	top, left := y>>turnBits, x>>turnBits
	low, near := y&(one-1), x&(one-1)
	for c := range s.Channels {
		at := func(y, x int) int {
			if y < 0 || y >= s.Height || x < 0 || x >= s.Width {
				return int(f.outside[c])
			}
			return int(in[(y*s.Width+x)*s.Channels+c])
		}
		above := at(top, left)*(one-near) + at(top, left+1)*near
		under := at(top+1, left)*(one-near) + at(top+1, left+1)*near
		pixel[c] = uint8((above*(one-low) + under*low + 1<<(2*turnBits-1)) >> (2 * turnBits))
	}
}
