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

// Limits bound what a file may take. A value of 0 stands for its default, which suits a server that decodes what
// strangers send.
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

// Decode reads an image file within the default limits and returns height x width x channels bytes. What is an error
// [Limits.Decode] says.
func Decode(r io.Reader, height, width, channels int) ([]uint8, error) {
	return Limits{}.Decode(r, height, width, channels)
}

// Decode reads an image file and returns it as height x width x channels bytes, upright, recoloured and resized as
// Image says. The size of the image in the file is held against the limits before it is decoded. A file of no format that is
// read, one that is damaged or beyond the limits, and an impossible size that is wanted are errors.
func (l Limits) Decode(r io.Reader, height, width, channels int) ([]uint8, error) {
	if err := checkSize(height, width, channels, MaxPixels); err != nil {
		return nil, err
	}
	m, _, err := l.Read(r)
	if err != nil {
		return nil, err
	}
	return m.Fit(Stretch, height, width, channels).Pixels, nil
}

// Read reads an image file and returns the image, upright, in its own size and colour, and what Stat tells of it. The
// size is held against the limits before the image is decoded. A file of no format that is read, a damaged one and one beyond
// the limits are errors.
func (l Limits) Read(r io.Reader) (Image, Info, error) {
	file := &replay{r: l.reader(r)}
	f, info, err := l.open(file)
	if err != nil {
		return Image{}, info, err
	}
	m, err := guarded(func() (Image, error) { return f.Decode(file.last()) })
	if err != nil {
		return Image{}, info, f.failed(err)
	}
	return m.Upright(info.Orientation), info, nil
}

// An Info is what is known of an image file without its pixels.
type Info struct {
	Height, Width int // of the upright image
	Channels      int // 1 where every pixel must be gray: gray images, and those of a palette of grays; else 3

	// Deep says that the file has 16 bits a channel, which are rounded to 8; Orientation is the one noted in the file,
	// 1 to 8, by which the image is turned upright (see Image.Upright).
	Deep        bool
	Orientation int
}

// Stat reads the beginning of an image file within the default limits, see [Limits.Stat].
func Stat(r io.Reader) (Info, error) { return Limits{}.Stat(r) }

// Stat reads the beginning of an image file, and no more of it than it takes to know its size and orientation. It fails where
// Read does, but for damage further on.
func (l Limits) Stat(r io.Reader) (Info, error) {
	_, info, err := l.open(&replay{r: l.reader(r)})
	return info, err
}

// open recognizes the format of a file and reads what it says of its image, whose size it checks.
func (l Limits) open(file *replay) (Format, Info, error) {
	head := make([]byte, longestMagic)
	n, err := io.ReadFull(file.again(), head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return Format{}, Info{}, fmt.Errorf("images: %w", err)
	}
	f, err := recognize(head[:n])
	if err != nil {
		return f, Info{}, err
	}
	config, err := guarded(func() (image.Config, error) { return f.Config(file.again()) })
	if err != nil {
		return f, Info{}, f.failed(err)
	}
	if err := checkSize(config.Height, config.Width, 1, min(cmp.Or(l.Pixels, DefaultPixels), MaxPixels)); err != nil {
		return f, Info{}, err
	}
	info := Info{Height: config.Height, Width: config.Width, Channels: channelsOf(config.ColorModel), Deep: deep(config.ColorModel), Orientation: 1}
	if f.Orientation != nil {
		if o, err := guarded(func() (int, error) { return f.Orientation(file.again()), nil }); err == nil && o >= 1 && o <= 8 {
			info.Orientation = o
		}
	}
	if info.Orientation >= 5 {
		info.Height, info.Width = info.Width, info.Height
	}
	return f, info, nil
}

// guarded makes an error of a panic of a decoder: decoders come from many hands, and files from strangers.
func guarded[T any](decode func() (T, error)) (v T, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("its decoder failed: %v", p)
		}
	}()
	return decode()
}

func deep(model color.Model) bool {
	return model == color.Gray16Model || model == color.RGBA64Model || model == color.NRGBA64Model
}

// A replay is a file that is read from its beginning several times. What has been read of it is kept.
type replay struct {
	r    io.Reader
	kept bytes.Buffer
}

// again returns the file from its beginning. The readers returned before are not to be used any more.
func (f *replay) again() io.Reader {
	return io.MultiReader(bytes.NewReader(f.kept.Bytes()), io.TeeReader(f.r, &f.kept))
}

// last is again, for the last time: nothing is kept any more.
func (f *replay) last() io.Reader { return io.MultiReader(&f.kept, f.r) }

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
