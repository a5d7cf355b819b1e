// SPDX-License-Identifier: Apache-2.0

package formats

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"io"

	"golang.org/x/image/tiff"

	"github.com/goqat/goqat/images"
	"github.com/goqat/goqat/images/internal/ifd"
)

var tiffFormat = images.Format{
	Name:        "TIFF",
	Magic:       []string{"II*\x00", "MM\x00*"},
	Extensions:  []string{".tif", ".tiff"},
	Config:      configTIFF,
	Decode:      decodeTIFF,
	Orientation: orientationTIFF,
}

func configTIFF(r io.Reader) (image.Config, error) {
	config, err := tiff.DecodeConfig(r)
	return config, errorTIFF(err)
}

func decodeTIFF(r io.Reader) (images.Image, error) {
	file, err := io.ReadAll(r)
	if err != nil {
		return images.Image{}, err
	}
	m, err := tiff.Decode(bytes.NewReader(file))
	if err != nil {
		return images.Image{}, errorTIFF(err)
	}
	if p, ok := m.(*image.Paletted); ok {
		p.Palette = highBytes(p.Palette)
	}
	out, err := images.FromImage(m)
	if negativeFax(file) {
		for i, v := range out.Pixels {
			out.Pixels[i] = 255 - v
		}
	}
	return out, err
}

// highBytes returns a palette of the upper 8 of 16 bits. Some programs write a colour v as 257 v, others as 256 v, of
// which only these are v.
func highBytes(p color.Palette) color.Palette {
	out := make(color.Palette, len(p))
	for i, c := range p {
		r, g, b, _ := c.RGBA()
		out[i] = color.RGBA{uint8(r >> 8), uint8(g >> 8), uint8(b >> 8), 0xff}
	}
	return out
}

// negativeFax says whether golang.org/x/image/tiff inverts an image. A fax coder packs runs of 0 (called white) and of
// 1 (black); what the bits mean is for PhotometricInterpretation to say (TIFF 6.0, sections 10 and 11), which the
// package does not ask where 0 is black.
func negativeFax(file []byte) bool {
	const group3, group4, blackIsZero = 3, 4, 1
	compression, _ := ifd.Number(file, ifd.Compression)
	photometric, _ := ifd.Number(file, ifd.Photometric)
	return (compression == group3 || compression == group4) && photometric == blackIsZero
}

func orientationTIFF(r io.Reader) int {
	file, err := io.ReadAll(r) // the directory may be at the end
	if err != nil {
		return 1
	}
	o, _ := ifd.Number(file, ifd.Orientation)
	return o
}

func errorTIFF(err error) error {
	if e := tiff.UnsupportedError(""); errors.As(err, &e) {
		return unsupported(err)
	}
	return err
}
