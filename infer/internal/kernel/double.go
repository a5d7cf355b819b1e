// SPDX-License-Identifier: Apache-2.0

package kernel

// Double turns the accumulators of a tile, Σ (q - zero)·c, into those of the weights 2c + 1: twice as much and the sum
// of what is under the kernel, Σ (q - zero), the same for all outputs of a group.
func Double(acc []int32, x []uint8, c *Conv, t Tile) {
	in, out := c.InC/c.Groups, c.OutC/c.Groups
	for r := range t.Rows {
		image, pixel := (t.Row+r)/c.Pixels(), (t.Row+r)%c.Pixels()
		codes, row := x[image*c.InLen():], acc[r*t.Stride:][:t.Channels]
		for o := 0; o < len(row); {
			g := (t.Channel + o) / out
			end := min(len(row), (g+1)*out-t.Channel)
			sum := c.windowSum(codes, pixel, g*in, in)
			for ; o < end; o++ {
				row[o] = 2*row[o] + sum
			}
		}
	}
}

// windowSum returns Σ (q - zero) under the kernel at an output pixel, over n input channels from first.
func (c *Conv) windowSum(x []uint8, pixel, first, n int) int32 {
	firstY, lastY, y0 := Taps(pixel/c.OutW, c.StrideH, c.Top, c.KH, c.InH)
	firstX, lastX, x0 := Taps(pixel%c.OutW, c.StrideW, c.Left, c.KW, c.InW)
	var sum int32
	for ky := firstY; ky < lastY; ky++ {
		for kx := firstX; kx < lastX; kx++ {
			for _, q := range x[((y0+ky)*c.InW+x0+kx)*c.InC+first:][:n] {
				sum += int32(q) - c.Zero
			}
		}
	}
	return sum
}
