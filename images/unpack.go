// SPDX-License-Identifier: Apache-2.0

package images

import (
	"image"
	"image/color"
)

// FromImage turns an image of Go into an Image: gray where it is of a gray type, else in colour. 16 bits are rounded to 8, and a transparent pixel
// lies on white. An image without pixels, or of more than MaxPixels, is an error.
func FromImage(m image.Image) (Image, error) {
	bounds := m.Bounds()
	if err := checkSize(bounds.Dy(), bounds.Dx(), 1, MaxPixels); err != nil {
		return Image{}, err
	}
	switch m := m.(type) {
	case *image.Gray:
		return unpackGray(m), nil
	case *image.YCbCr:
		return unpackYCbCr(m), nil
	case *image.Gray16:
		return unpackDeep(m).Recolor(1), nil
	case *image.Paletted:
		return unpackPaletted(m), nil
	case image.RGBA64Image:
		return unpackDeep(m), nil
	}
	return unpackDeep(plain{m}), nil
}

// A plain is an image that has no method for 16-bit colours.
type plain struct{ image.Image }

func (p plain) RGBA64At(x, y int) color.RGBA64 {
	r, g, b, a := p.At(x, y).RGBA()
	return color.RGBA64{R: uint16(r), G: uint16(g), B: uint16(b), A: uint16(a)}
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

// unpackPaletted looks the colours up. An index beyond the palette, which damaged files have, is black.
func unpackPaletted(m *image.Paletted) Image {
	var table [256][3]uint8
	for i, c := range m.Palette[:min(len(m.Palette), len(table))] {
		r, g, b, a := c.RGBA()
		table[i] = onWhite(color.RGBA64{R: uint16(r), G: uint16(g), B: uint16(b), A: uint16(a)})
	}
	out := newImage(m.Rect, 3)
	for y := range out.Height {
		for x, index := range m.Pix[y*m.Stride:][:out.Width] {
			copy(out.Pixels[(y*out.Width+x)*3:], table[index][:])
		}
	}
	return out
}

// onWhite lays a colour, which is multiplied by its opacity, on white and rounds it to 8 bits.
func onWhite(c color.RGBA64) (out [3]uint8) {
	white := 0xffff - uint32(c.A)
	for i, v := range [3]uint16{c.R, c.G, c.B} {
		out[i] = uint8((uint32(v) + white + 128) / 257)
	}
	return out
}

// unpackDeep reads any image as 16-bit colours.
func unpackDeep(m image.RGBA64Image) Image {
	bounds := m.Bounds()
	out := newImage(bounds, 3)
	i := 0
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			c := onWhite(m.RGBA64At(x, y))
			i += copy(out.Pixels[i:], c[:])
		}
	}
	return out
}
