// SPDX-License-Identifier: Apache-2.0

package formats

import (
	"errors"
	"image"
	"io"

	"golang.org/x/image/bmp"

	"github.com/goqat/goqat/images"
)

var bmpFormat = images.Format{
	Name:       "BMP",
	Magic:      []string{"BM????\x00\x00\x00\x00"},
	Extensions: []string{".bmp", ".dib"},
	Config:     configBMP,
	Decode:     decodeBMP,
}

func configBMP(r io.Reader) (image.Config, error) {
	config, err := bmp.DecodeConfig(r)
	return config, errorBMP(err)
}

func decodeBMP(r io.Reader) (images.Image, error) {
	m, err := bmp.Decode(r)
	if err != nil {
		return images.Image{}, errorBMP(err)
	}
	return images.FromImage(m)
}

func errorBMP(err error) error {
	if errors.Is(err, bmp.ErrUnsupported) {
		return unsupported(err)
	}
	return err
}
