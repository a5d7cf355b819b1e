// SPDX-License-Identifier: Apache-2.0

package formats

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"image/gif"
	"io"

	"github.com/goqat/goqat/images"
)

var gifFormat = images.Format{
	Name:       "GIF",
	Magic:      []string{"GIF87a", "GIF89a"},
	Extensions: []string{".gif"},
	Config:     configGIF,
	Decode:     decodeGIF,
}

// configGIF returns the size of the screen and the palette of the first image, which need not be that of the file.
func configGIF(r io.Reader) (image.Config, error) {
	const extension, descriptor = 0x21, 0x2c
	b := bufio.NewReader(r)
	var head [13]byte // signature 6, width 2, height 2, flags, background, aspect ratio
	if _, err := io.ReadFull(b, head[:]); err != nil {
		return image.Config{}, err
	}
	config := image.Config{Width: int(binary.LittleEndian.Uint16(head[6:])), Height: int(binary.LittleEndian.Uint16(head[8:]))}
	palette, err := colorTable(b, head[10], nil)
	for err == nil {
		var introducer byte
		if introducer, err = b.ReadByte(); err != nil {
			break
		}
		switch introducer {
		case extension:
			err = skipExtension(b)
		case descriptor:
			var d [9]byte // left 2, top 2, width 2, height 2, flags
			if _, err = io.ReadFull(b, d[:]); err == nil {
				palette, err = colorTable(b, d[8], palette)
				config.ColorModel = palette
				return config, err
			}
		default:
			err = errors.New("no image")
		}
	}
	return image.Config{}, err
}

// colorTable reads the table of colours that flags announce; without one it returns the other.
func colorTable(b *bufio.Reader, flags byte, other color.Palette) (color.Palette, error) {
	if flags&0x80 == 0 {
		return other, nil
	}
	table := make([]byte, 3*2<<(flags&7))
	if _, err := io.ReadFull(b, table); err != nil {
		return nil, err
	}
	p := make(color.Palette, len(table)/3)
	for i := range p {
		p[i] = color.RGBA{table[3*i], table[3*i+1], table[3*i+2], 0xff}
	}
	return p, nil
}

// skipExtension reads a label and blocks, each after its length, until an empty one.
func skipExtension(b *bufio.Reader) error {
	if _, err := b.ReadByte(); err != nil {
		return err
	}
	for {
		n, err := b.ReadByte()
		if err != nil || n == 0 {
			return err
		}
		if _, err := b.Discard(int(n)); err != nil {
			return err
		}
	}
}

// decodeGIF returns the first image on its screen, which is white where the image is not.
func decodeGIF(r io.Reader) (images.Image, error) {
	file, err := io.ReadAll(r)
	if err != nil {
		return images.Image{}, err
	}
	config, err := gif.DecodeConfig(bytes.NewReader(file))
	if err != nil {
		return images.Image{}, err
	}
	first, err := gif.Decode(bytes.NewReader(file))
	if err != nil {
		return images.Image{}, err
	}
	m, err := images.FromImage(first)
	at := first.Bounds()
	if err != nil || at == image.Rect(0, 0, config.Width, config.Height) {
		return m, err
	}
	stride := config.Width * m.Channels
	screen := images.Image{
		Height: config.Height, Width: config.Width, Channels: m.Channels,
		Pixels: bytes.Repeat([]byte{255}, config.Height*stride),
	}
	for y := range m.Height {
		copy(screen.Pixels[(at.Min.Y+y)*stride+at.Min.X*m.Channels:], m.Pixels[y*m.Width*m.Channels:][:m.Width*m.Channels])
	}
	return screen, nil
}
