// SPDX-License-Identifier: Apache-2.0

package kernel

// A Window is the geometry of a pooling; c.OutC is c.InC.
type Window struct {
	Conv
	Offsets []int32 // from the first tap to each, row by row, of as many as lie inside of an image
}

// NewWindow prepares a pooling.
func NewWindow(c Conv) *Window {
	w := &Window{Conv: c}
	for ky := range min(c.KH, c.InH) {
		for kx := range min(c.KW, c.InW) {
			w.Offsets = append(w.Offsets, int32((ky*c.InW+kx)*c.InC))
		}
	}
	return w
}

// MaxPool writes the greatest code of each window to rows [row, row+rows) of the output; padding is left out.
func MaxPool(c *Window, dst, x []uint8, row, rows int) {
	for r := row; r < row+rows; r++ {
		image, pixel := r/c.Pixels(), r%c.Pixels()
		codes, out := x[image*c.InLen():], dst[r*c.OutC:][:c.OutC]
		clear(out)
		firstY, lastY, y0 := Taps(pixel/c.OutW, c.StrideH, c.Top, c.KH, c.InH)
		firstX, lastX, x0 := Taps(pixel%c.OutW, c.StrideW, c.Left, c.KW, c.InW)
		for ky := firstY; ky < lastY; ky++ {
			for kx := firstX; kx < lastX; kx++ {
				q := codes[((y0+ky)*c.InW+x0+kx)*c.InC:][:len(out)]
				for i := range out {
					out[i] = max(out[i], q[i])
				}
			}
		}
	}
}

// SumPool writes Σ (q - zero) over each window to acc, rows × channels; windows lie inside the image.
func SumPool(c *Window, acc []int32, x []uint8, row, rows int) {
	for r := range rows {
		image, pixel := (row+r)/c.Pixels(), (row+r)%c.Pixels()
		codes, out := x[image*c.InLen():], acc[r*c.OutC:][:c.OutC]
		for i := range out {
			out[i] = -c.Zero * int32(c.KH*c.KW)
		}
		y0, x0 := pixel/c.OutW*c.StrideH, pixel%c.OutW*c.StrideW
		for ky := range c.KH {
			for kx := range c.KW {
				q := codes[((y0+ky)*c.InW+x0+kx)*c.InC:][:len(out)]
				for i := range out {
					out[i] += int32(q[i])
				}
			}
		}
	}
}

// SumShares writes Σ (q - zero) over the part of each window inside of the image, times the share of the output's pixel, to
// acc.
func SumShares(c *Window, shares []int32, acc []int32, x []uint8, row, rows int) {
	for r := range rows {
		image, pixel := (row+r)/c.Pixels(), (row+r)%c.Pixels()
		codes, out := x[image*c.InLen():], acc[r*c.OutC:][:c.OutC]
		clear(out)
		firstY, lastY, y0 := Taps(pixel/c.OutW, c.StrideH, c.Top, c.KH, c.InH)
		firstX, lastX, x0 := Taps(pixel%c.OutW, c.StrideW, c.Left, c.KW, c.InW)
		for ky := firstY; ky < lastY; ky++ {
			for kx := firstX; kx < lastX; kx++ {
				q := codes[((y0+ky)*c.InW+x0+kx)*c.InC:][:len(out)]
				for i := range out {
					out[i] += int32(q[i]) - c.Zero
				}
			}
		}
		for i := range out {
			out[i] *= shares[pixel]
		}
	}
}
