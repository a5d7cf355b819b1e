// SPDX-License-Identifier: Apache-2.0

package images

import (
	"bytes"
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

// A format is one that Decode reads.
type format struct {
	name, magic  string
	extensions   []string
	decode       func(io.Reader) (image.Image, error)
	decodeConfig func(io.Reader) (image.Config, error)
}

var formats = []format{
	{"PNG", "\x89PNG\r\n\x1a\n", []string{".png"}, png.Decode, png.DecodeConfig},
	{"JPEG", "\xff\xd8\xff", []string{".jpg", ".jpeg", ".jpe", ".jif", ".jfif"}, jpeg.Decode, jpeg.DecodeConfig},
}

// foreign are formats that Decode does not read, but tells by name: how a file of one begins, and how its name ends.
var foreign = []struct {
	name, magic string // ? stands for any byte
	extensions  []string
}{
	{"WebP", "RIFF????WEBP", []string{".webp"}},
	{"GIF", "GIF8", []string{".gif"}},
	{"BMP", "BM????\x00\x00\x00\x00", []string{".bmp", ".dib"}},
	{"TIFF", "II*\x00", []string{".tif", ".tiff"}},
	{"TIFF", "MM\x00*", nil},
	{"AVIF", "????ftypavif", []string{".avif"}},
	{"HEIC", "????ftyphei", []string{".heic", ".heif"}},
	{"HEIC", "????ftypmif1", nil},
	{"JPEG 2000", "\x00\x00\x00\x0cjP  ", []string{".jp2", ".j2k"}},
	{"JPEG XL", "\x00\x00\x00\x0cJXL ", []string{".jxl"}},
	{"JPEG XL", "\xff\x0a", nil},
	{"PNM", "P5", []string{".pgm", ".pnm"}},
	{"PNM", "P6", []string{".ppm"}},
	{"HTML", "<!DOCTYPE", nil},
	{"HTML", "<!doctype", nil},
	{"HTML", "<html", nil},
	{"SVG", "<svg", []string{".svg"}},
	{"camera raw", "", []string{".cr2", ".cr3", ".nef", ".arw", ".dng"}},
	{"PSD", "8BPS", []string{".psd"}},
}

const longestMagic = 16

var (
	errFormat = errors.New("images: neither PNG nor JPEG; convert it to one of them")
	errEmpty  = errors.New("images: an empty file; get it again or remove it")
)

// recognize tells the format of a file from its beginning.
func recognize(head []byte) (format, error) {
	if len(head) == 0 {
		return format{}, errEmpty
	}
	for _, f := range formats {
		if bytes.HasPrefix(head, []byte(f.magic)) {
			return f, nil
		}
	}
	for _, f := range foreign {
		if f.magic != "" && matches(head, f.magic) {
			return format{}, fmt.Errorf("images: %s, neither PNG nor JPEG; convert it to one of them", f.name)
		}
	}
	return format{}, errFormat
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
	for _, f := range formats {
		if slices.Contains(f.extensions, extension) {
			return true, true
		}
	}
	for _, f := range foreign {
		if slices.Contains(f.extensions, extension) {
			return true, false
		}
	}
	return false, false
}

// failed says what is wrong with a file of the format.
func (f format) failed(err error) error {
	if long := (*longError)(nil); errors.As(err, &long) {
		return long
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return fmt.Errorf("images: %s file cut short: %w; get it again or remove it", f.name, io.ErrUnexpectedEOF)
	}
	return fmt.Errorf("images: damaged %s file: %w; get it again or remove it", f.name, err)
}
