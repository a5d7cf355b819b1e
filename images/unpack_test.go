// SPDX-License-Identifier: Apache-2.0

package images

import (
	"bytes"
	"image"
	"image/color"
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
