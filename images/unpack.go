// SPDX-License-Identifier: Apache-2.0

package images

import (
	"image"
	"image/color"
)

// FromImage turns an image of Go into an Image: gray where it is of a gray type, else in colour. 16 bits are rounded to
// 8, and a transparent pixel lies on white. An image without pixels, or of more than MaxPixels, is an error.
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

// unpackYCbCr converts the colours of a JPEG to red, green and blue as JFIF defines them (ITU-T T.871, 7), rounded to
// nearest:
//
//	R = Y + 1.402 Cr'    G = Y - 0.344136 Cb' - 0.714136 Cr'    B = Y + 1.772 Cb'
//
// with Cb' = Cb - 128, Cr' = Cr - 128 and the coefficients in units of 2^-16.
func unpackYCbCr(m *image.YCbCr) Image {
	out := newImage(m.Rect, 3)
	left, top := m.Rect.Min.X, m.Rect.Min.Y
	shared := make([]int, out.Width) // the place in a row of the colour differences of each pixel
	pairs := out.Width / 2           // of pixels that share theirs, or 0
	for x := range shared {
		if shared[x] = m.COffset(left+x, top) - m.COffset(left, top); shared[x] != x/2 {
			pairs = 0
		}
	}
	for y := range out.Height {
		luma := m.Y[m.YOffset(left, top+y):][:out.Width]
		cb, cr := m.Cb[m.COffset(left, top+y):], m.Cr[m.COffset(left, top+y):]
		row := out.Pixels[3*y*out.Width:][:3*out.Width]
		unpackPairs(row[:6*pairs], luma[:2*pairs], cb, cr)
		for x := 2 * pairs; x < out.Width; x++ {
			v, at := int32(luma[x]), shared[x]
			red, green, blue := chroma(cb[at], cr[at])
			row[3*x], row[3*x+1], row[3*x+2] = clamp(v+red), clamp(v+green), clamp(v+blue)
		}
	}
	return out
}

// unpackPairs converts pairs of pixels, each of which shares its colour differences.
func unpackPairs(row, luma, cb, cr []uint8) {
	cr = cr[:len(cb)]
	for i, b := range cb[:len(luma)/2] {
		red, green, blue := chroma(b, cr[i])
		y, p := (*[2]uint8)(luma[2*i:]), (*[6]uint8)(row[6*i:])
		first, second := int32(y[0]), int32(y[1])
		p[0], p[1], p[2] = clamp(first+red), clamp(first+green), clamp(first+blue)
		p[3], p[4], p[5] = clamp(second+red), clamp(second+green), clamp(second+blue)
	}
}

// chroma returns what a pair of colour differences adds to the luma.
func chroma(cb, cr uint8) (red, green, blue int32) {
	const half = 1 << 15
	b, r := int32(cb)-128, int32(cr)-128
	return (91881*r + half) >> 16, (-22553*b - 46802*r + half) >> 16, (116130*b + half) >> 16
}

// clamp brings the sum of a luma and a colour difference, which is in [-512, 511], to [0, 255].
func clamp(v int32) uint8 { return clamped[v&1023] }

var clamped = func() (table [1024]uint8) {
	for i := range 512 {
		table[i] = uint8(min(i, 255))
	}
	return table
}()

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
