// SPDX-License-Identifier: Apache-2.0

package images

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
)

// maxFile bounds the bytes read of a file.
const maxFile = 256 << 20

var (
	errFormat = errors.New("images: neither PNG nor JPEG; convert it to one of them")
	errLong   = fmt.Errorf("images: longer than %d MiB; make the image smaller", maxFile>>20)
)

// Decode reads a PNG or JPEG file and returns it as height x width x channels bytes, recoloured and resized as Image says. Its size is checked
// before it is decoded.
func Decode(r io.Reader, height, width, channels int) ([]uint8, error) {
	if err := checkSize(height, width, channels); err != nil {
		return nil, err
	}
	var head bytes.Buffer
	limited := &limitedReader{r, maxFile}
	f, _, err := open(io.TeeReader(limited, &head))
	if err != nil {
		return nil, err
	}
	decoded, err := f.decode(io.MultiReader(&head, limited))
	if err != nil {
		return nil, f.failed(err)
	}
	m := unpack(decoded)
	return m.Recolor(channels).Resize(height, width).Pixels, nil
}

// Stat reads the beginning of a PNG or JPEG file and returns its size, without its pixels. Channels is 1 where every pixel must be an opaque
// gray: gray images, and those of a palette of grays.
func Stat(r io.Reader) (height, width, channels int, err error) {
	_, config, err := open(&limitedReader{r, maxFile})
	if err != nil {
		return 0, 0, 0, err
	}
	return config.Height, config.Width, channelsOf(config.ColorModel), nil
}

type format struct {
	name, magic  string
	decode       func(io.Reader) (image.Image, error)
	decodeConfig func(io.Reader) (image.Config, error)
}

var formats = []format{
	{"PNG", "\x89PNG\r\n\x1a\n", png.Decode, png.DecodeConfig},
	{"JPEG", "\xff\xd8\xff", jpeg.Decode, jpeg.DecodeConfig},
}

func (f format) failed(err error) error {
	if errors.Is(err, errLong) {
		return errLong
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return fmt.Errorf("images: %s file cut short: %w; get it again or remove it", f.name, io.ErrUnexpectedEOF)
	}
	return fmt.Errorf("images: damaged %s file: %w; get it again or remove it", f.name, err)
}

// open recognizes the format and reads the size of an image, which it checks.
func open(r io.Reader) (format, image.Config, error) {
	magic := make([]byte, 8)
	n, err := io.ReadFull(r, magic)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return format{}, image.Config{}, fmt.Errorf("images: %w", err)
	}
	magic = magic[:n]
	for _, f := range formats {
		if !bytes.HasPrefix(magic, []byte(f.magic)) {
			continue
		}
		config, err := f.decodeConfig(io.MultiReader(bytes.NewReader(magic), r))
		if err != nil {
			return f, config, f.failed(err)
		}
		return f, config, checkSize(config.Height, config.Width, 1)
	}
	return format{}, image.Config{}, errFormat
}

func channelsOf(model color.Model) int {
	switch m := model.(type) {
	case color.Palette:
		for _, c := range m {
			if r, g, b, _ := c.RGBA(); r != g || g != b {
				return 3
			}
		}
		return 1
	default:
		if m == color.GrayModel || m == color.Gray16Model {
			return 1
		}
		return 3
	}
}

// A limitedReader fails with errLong after n bytes.
type limitedReader struct {
	r io.Reader
	n int64
}

func (l *limitedReader) Read(p []byte) (int, error) {
	if l.n <= 0 {
		return 0, errLong
	}
	n, err := l.r.Read(p[:min(int64(len(p)), l.n)])
	l.n -= int64(n)
	return n, err
}
