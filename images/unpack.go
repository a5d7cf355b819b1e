// SPDX-License-Identifier: Apache-2.0

package images

import "image"

// unpack turns what the standard library decodes into an Image: gray where it is of a gray type, else in colour.
func unpack(decoded image.Image) Image {
	switch m := decoded.(type) {
	case *image.Gray:
		return unpackGray(m)
	case *image.YCbCr:
		return unpackYCbCr(m)
	case *image.Gray16:
		return unpackDeep(m).Recolor(1)
	}
	return unpackDeep(decoded.(image.RGBA64Image)) // which every type of the standard library is
}

func newImage(bounds image.Rectangle, channels int) Image {
	return Image{bounds.Dy(), bounds.Dx(), channels, make([]uint8, bounds.Dy()*bounds.Dx()*channels)}
}

func unpackGray(m *image.Gray) Image {
	out := newImage(m.Rect, 1)
	for y := range out.Height {
		copy(out.Pixels[y*out.Width:(y+1)*out.Width], m.Pix[y*m.Stride:])
	}
	return out
}

// unpackYCbCr converts the colours of a JPEG to red, green and blue as JFIF defines them (ITU-T T.871, 7), rounded to nearest:
//
//	R = Y + 1.402 Cr'    G = Y - 0.344136 Cb' - 0.714136 Cr'    B = Y + 1.772 Cb'
//
// with Cb' = Cb - 128, Cr' = Cr - 128 and the coefficients in units of 2^-16.
func unpackYCbCr(m *image.YCbCr) Image {
	const half = 1 << 15
	out := newImage(m.Rect, 3)
	i := 0
	for y := m.Rect.Min.Y; y < m.Rect.Max.Y; y++ {
		for x := m.Rect.Min.X; x < m.Rect.Max.X; x++ {
			luma := int32(m.Y[m.YOffset(x, y)])
			at := m.COffset(x, y)
			cb, cr := int32(m.Cb[at])-128, int32(m.Cr[at])-128
			out.Pixels[i] = clamp(luma + (91881*cr+half)>>16)
			out.Pixels[i+1] = clamp(luma + (-22553*cb-46802*cr+half)>>16)
			out.Pixels[i+2] = clamp(luma + (116130*cb+half)>>16)
			i += 3
		}
	}
	return out
}

func clamp(v int32) uint8 { return uint8(max(0, min(255, v))) }

// unpackDeep reads any image as 16-bit colours, multiplied by their opacity, lays them on white and rounds them to 8 bits.
func unpackDeep(m image.RGBA64Image) Image {
	bounds := m.Bounds()
	out := newImage(bounds, 3)
	i := 0
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			c := m.RGBA64At(x, y)
			white := 0xffff - uint32(c.A)
			for _, v := range [3]uint16{c.R, c.G, c.B} {
				out.Pixels[i] = uint8((uint32(v) + white + 128) / 257)
				i++
			}
		}
	}
	return out
}
