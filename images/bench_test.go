// SPDX-License-Identifier: Apache-2.0

package images

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"math/rand/v2"
	"testing"
)

// BenchmarkPhotograph compares decoding and resizing a photograph of 12 megapixels with what image/jpeg alone takes to
// decode it.
func BenchmarkPhotograph(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	m := image.NewRGBA(image.Rect(0, 0, 4000, 3000))
	for y := range 3000 {
		for x := range 4000 {
			n := rng.IntN(24)
			m.SetRGBA(x, y, color.RGBA{uint8(x/20 + n), uint8(y/15 + n), uint8(x*y>>16 + n), 255})
		}
	}
	var file bytes.Buffer
	if err := jpeg.Encode(&file, m, &jpeg.Options{Quality: 85}); err != nil {
		b.Fatal(err)
	}
	b.Run("jpeg", func(b *testing.B) {
		for b.Loop() {
			if _, err := jpeg.Decode(bytes.NewReader(file.Bytes())); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("resized", func(b *testing.B) {
		for b.Loop() {
			if _, err := Decode(bytes.NewReader(file.Bytes()), 64, 64, 3); err != nil {
				b.Fatal(err)
			}
		}
	})
}
