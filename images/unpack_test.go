// SPDX-License-Identifier: Apache-2.0

package images

import (
	"bytes"
	"image"
	"image/color"
	"math/rand/v2"
	"slices"
	"testing"
)

// An image of any type of Go is what its colours say.
func TestFromImage(t *testing.T) {
	source := image.NewNRGBA(image.Rect(-2, 3, 2, 6))
	for i := range source.Pix {
		source.Pix[i] = uint8(37 * i)
	}
	want, err := FromImage(source)
	if err != nil || want.Height != 3 || want.Width != 4 || want.Channels != 3 {
		t.Fatalf("%dx%dx%d, %v", want.Height, want.Width, want.Channels, err)
	}
	if got, err := FromImage(plain{source}); err != nil || !bytes.Equal(got.Pixels, want.Pixels) {
		t.Errorf("by At: %v, not %v; %v", got, want, err)
	}
	if _, err := FromImage(image.NewGray(image.Rectangle{})); err == nil {
		t.Error("an image without pixels is none")
	}
	part := image.NewGray(image.Rect(0, 0, 5, 5))
	part.SetGray(2, 3, color.Gray{77})
	if got, err := FromImage(part.SubImage(image.Rect(2, 3, 3, 4))); err != nil || got.Channels != 1 || !bytes.Equal(got.Pixels, []uint8{77}) {
		t.Errorf("part: %v, %v", got, err)
	}
}

// An index beyond a palette is no panic.
func TestFromImageOfShortPalette(t *testing.T) {
	m := image.NewPaletted(image.Rect(0, 0, 2, 1), color.Palette{color.White})
	m.Pix[1] = 9
	if got, err := FromImage(m); err != nil || !bytes.Equal(got.Pixels, []uint8{255, 255, 255, 0, 0, 0}) {
		t.Errorf("%v, %v", got, err)
	}
}

// TestUnpackRatios compares images of every way to share colour differences, and parts of them, with each pixel by
// itself.
func TestUnpackRatios(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	for _, ratio := range []image.YCbCrSubsampleRatio{
		image.YCbCrSubsampleRatio444, image.YCbCrSubsampleRatio422, image.YCbCrSubsampleRatio420, image.YCbCrSubsampleRatio440,
		image.YCbCrSubsampleRatio411, image.YCbCrSubsampleRatio410,
	} {
		whole := image.NewYCbCr(image.Rect(-4, -2, 23, 13), ratio)
		for _, plane := range [][]uint8{whole.Y, whole.Cb, whole.Cr} {
			for i := range plane {
				plane[i] = uint8(rng.Uint32())
			}
		}
		for range 40 {
			left, top := rng.IntN(16)-4, rng.IntN(8)-2
			m := whole.SubImage(image.Rect(left, top, left+1+rng.IntN(11), top+1+rng.IntN(7))).(*image.YCbCr)
			got := unpackYCbCr(m)
			for y := range got.Height {
				for x := range got.Width {
					c := m.YCbCrAt(m.Rect.Min.X+x, m.Rect.Min.Y+y)
					one := &image.YCbCr{Y: []uint8{c.Y}, Cb: []uint8{c.Cb}, Cr: []uint8{c.Cr}, YStride: 1, CStride: 1, Rect: image.Rect(0, 0, 1, 1)}
					if want := unpackYCbCr(one).Pixels; !slices.Equal(got.Pixels[(y*got.Width+x)*3:][:3], want) {
						t.Fatalf("%v of %v, pixel %d, %d: %d, want %d", m.Rect, ratio, x, y, got.Pixels[(y*got.Width+x)*3:][:3], want)
					}
				}
			}
		}
	}
}
