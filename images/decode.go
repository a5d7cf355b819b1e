// SPDX-License-Identifier: Apache-2.0

package images

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"image"
	"image/color"
	"io"
)

// Limits bound what a file may take. A value of 0 stands for its default, which suits a server that decodes what strangers send.
type Limits struct {
	Pixels int   // height x width of the image in the file; default DefaultPixels, at most MaxPixels
	Bytes  int64 // of the file; default DefaultBytes
}

// The default limits, and the greatest number of pixels, of an image read or made.
const (
	DefaultPixels = 16 << 20
	DefaultBytes  = 32 << 20
	MaxPixels     = 64 << 20
)

// Decode reads a PNG or JPEG file within the default limits, see [Limits.Decode].
func Decode(r io.Reader, height, width, channels int) ([]uint8, error) {
	return Limits{}.Decode(r, height, width, channels)
}

// Decode reads a PNG or JPEG file and returns it as height x width x channels bytes, recoloured and resized as Image says. The size of the
// image in the file is held against the limits before it is decoded.
func (l Limits) Decode(r io.Reader, height, width, channels int) ([]uint8, error) {
	if err := checkSize(height, width, channels, MaxPixels); err != nil {
		return nil, err
	}
	var head bytes.Buffer
	limited := l.reader(r)
	f, _, err := l.open(io.TeeReader(limited, &head))
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

// Stat reads the beginning of a PNG or JPEG file within the default limits, see [Limits.Stat].
func Stat(r io.Reader) (height, width, channels int, err error) { return Limits{}.Stat(r) }

// Stat reads the beginning of a PNG or JPEG file and returns its size, without its pixels. Channels is 1 where every pixel must be an opaque
// gray: gray images, and those of a palette of grays.
func (l Limits) Stat(r io.Reader) (height, width, channels int, err error) {
	_, config, err := l.open(l.reader(r))
	if err != nil {
		return 0, 0, 0, err
	}
	return config.Height, config.Width, channelsOf(config.ColorModel), nil
}

// open recognizes the format and reads the size of an image, which it checks.
func (l Limits) open(r io.Reader) (format, image.Config, error) {
	head := make([]byte, longestMagic)
	n, err := io.ReadFull(r, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return format{}, image.Config{}, fmt.Errorf("images: %w", err)
	}
	head = head[:n]
	f, err := recognize(head)
	if err != nil {
		return f, image.Config{}, err
	}
	config, err := f.decodeConfig(io.MultiReader(bytes.NewReader(head), r))
	if err != nil {
		return f, config, f.failed(err)
	}
	return f, config, checkSize(config.Height, config.Width, 1, min(cmp.Or(l.Pixels, DefaultPixels), MaxPixels))
}

func (l Limits) reader(r io.Reader) *limitedReader {
	n := cmp.Or(l.Bytes, DefaultBytes)
	return &limitedReader{r, n, &longError{n}}
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

// A longError says that a file is longer than limit bytes.
type longError struct{ limit int64 }

func (e *longError) Error() string {
	return fmt.Sprintf("images: longer than %d bytes; make the image smaller", e.limit)
}

// A limitedReader fails with long after left bytes.
type limitedReader struct {
	r    io.Reader
	left int64
	long error
}

func (l *limitedReader) Read(p []byte) (int, error) {
	if l.left <= 0 {
		if n, err := l.r.Read(make([]byte, 1)); n == 0 && err != nil {
			return 0, err
		}
		return 0, l.long
	}
	n, err := l.r.Read(p[:min(int64(len(p)), l.left)])
	l.left -= int64(n)
	return n, err
}
