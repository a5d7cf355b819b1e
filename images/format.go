// SPDX-License-Identifier: Apache-2.0

package images

import (
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"io"
	"path"
	"slices"
	"strings"
)

// A Format is one that Decode reads. Its functions are given a file from its beginning and no more of it than the
// limits allow.
type Format struct {
	Name       string
	Magic      []string // how a file may begin; ? stands for any byte; at most 16 bytes
	Extensions []string // how its name may end, in lower case: ".png"

	// Config returns the size and the colour model of an image without taking memory for its pixels. Decode takes
	// memory for an image of this size and no more. An error that is errors.ErrUnsupported says that the file is of a
	// kind that is not read, any other that it is damaged.
	Config func(io.Reader) (image.Config, error)
	Decode func(io.Reader) (Image, error) // as it is in the file, not yet turned

	// Orientation returns the orientation noted in a file, see Upright, or anything else for none. It may be nil.
	Orientation func(io.Reader) int
}

// Register adds a format to those that Decode reads. It is to be called when a package is initialized, as
// images/formats does.
func Register(f Format) { formats = append(formats, f) }

var formats = []Format{
	{"PNG", []string{"\x89PNG\r\n\x1a\n"}, []string{".png", ".apng"}, png.DecodeConfig, decoder(png.Decode), orientationPNG},
	{"JPEG", []string{"\xff\xd8\xff"}, []string{".jpg", ".jpeg", ".jpe", ".jif", ".jfif"}, configJPEG, decoder(jpeg.Decode), orientationJPEG},
}

// decoder makes a decoder of the standard library one of a Format.
func decoder(decode func(io.Reader) (image.Image, error)) func(io.Reader) (Image, error) {
	return func(r io.Reader) (Image, error) {
		m, err := decode(r)
		if err != nil {
			return Image{}, unsupported(err)
		}
		return FromImage(m)
	}
}

func configJPEG(r io.Reader) (image.Config, error) {
	config, err := jpeg.DecodeConfig(r)
	return config, unsupported(err)
}

// unsupported marks errors of the standard library that speak of a valid file.
func unsupported(err error) error {
	if e := jpeg.UnsupportedError(""); errors.As(err, &e) {
		return fmt.Errorf("%w: %s", errors.ErrUnsupported, string(e))
	}
	return err
}

// foreign are formats that Decode does not read unless they are registered, but tells by name: how a file of one
// begins, and how its name ends.
var foreign = []Format{
	{Name: "WebP", Magic: []string{"RIFF????WEBP"}, Extensions: []string{".webp"}},
	{Name: "GIF", Magic: []string{"GIF8"}, Extensions: []string{".gif"}},
	{Name: "BMP", Magic: []string{"BM????\x00\x00\x00\x00"}, Extensions: []string{".bmp", ".dib"}},
	{Name: "TIFF", Magic: []string{"II*\x00", "MM\x00*"}, Extensions: []string{".tif", ".tiff"}},
	{Name: "BigTIFF", Magic: []string{"II+\x00", "MM\x00+"}},
	{Name: "AVIF", Magic: []string{"????ftypavif"}, Extensions: []string{".avif"}},
	{Name: "HEIC", Magic: []string{"????ftyphei", "????ftypmif1"}, Extensions: []string{".heic", ".heif"}},
	{Name: "JPEG 2000", Magic: []string{"\x00\x00\x00\x0cjP  "}, Extensions: []string{".jp2", ".j2k"}},
	{Name: "JPEG XL", Magic: []string{"\x00\x00\x00\x0cJXL ", "\xff\x0a"}, Extensions: []string{".jxl"}},
	{Name: "PNM", Magic: []string{"P5", "P6"}, Extensions: []string{".pgm", ".pnm", ".ppm"}},
	{Name: "HTML", Magic: []string{"<!DOCTYPE", "<!doctype", "<html"}},
	{Name: "SVG", Magic: []string{"<svg"}, Extensions: []string{".svg"}},
	{Name: "camera raw", Extensions: []string{".cr2", ".cr3", ".nef", ".arw", ".dng"}},
	{Name: "PSD", Magic: []string{"8BPS"}, Extensions: []string{".psd"}},
}

const longestMagic = 16

var errEmpty = errors.New("images: an empty file; get it again or remove it")

// recognize tells the format of a file from its beginning.
func recognize(head []byte) (Format, error) {
	if len(head) == 0 {
		return Format{}, errEmpty
	}
	for _, f := range formats {
		if f.begins(head) {
			return f, nil
		}
	}
	for _, f := range foreign {
		if f.begins(head) {
			return Format{}, fmt.Errorf("images: %s, which is none of %s; convert it to one of them", f.Name, known())
		}
	}
	return Format{}, fmt.Errorf("images: none of %s; convert it to one of them", known())
}

// known lists the formats that Decode reads.
func known() string {
	names := make([]string, len(formats))
	for i, f := range formats {
		names[i] = f.Name
	}
	return strings.Join(names, ", ")
}

func (f Format) begins(head []byte) bool {
	return slices.ContainsFunc(f.Magic, func(magic string) bool { return matches(head, magic) })
}

func matches(head []byte, magic string) bool {
	if len(head) < len(magic) {
		return false
	}
	for i := range magic {
		if magic[i] != '?' && magic[i] != head[i] {
			return false
		}
	}
	return true
}

// Named tells by the name of a file whether it is an image, and whether Decode reads images of that name.
func Named(name string) (image, readable bool) {
	extension := strings.ToLower(path.Ext(name))
	ends := func(f Format) bool { return slices.Contains(f.Extensions, extension) }
	if slices.ContainsFunc(formats, ends) {
		return true, true
	}
	return slices.ContainsFunc(foreign, ends), false
}

// failed says what is wrong with a file of the format.
func (f Format) failed(err error) error {
	if long := (*longError)(nil); errors.As(err, &long) {
		return long
	}
	if errors.Is(err, errors.ErrUnsupported) {
		return fmt.Errorf("images: a kind of %s that is not read: %w; convert it to PNG", f.Name, err)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return fmt.Errorf("images: %s file cut short: %w; get it again or remove it", f.Name, io.ErrUnexpectedEOF)
	}
	return fmt.Errorf("images: damaged %s file: %w; get it again or remove it", f.Name, err)
}
