// SPDX-License-Identifier: Apache-2.0

package images

import (
	"bytes"
	"image"
	"image/color"
	"io"
	"strings"
	"testing"
)

// A small file that declares many pixels is refused by default, before memory is taken for them; a caller may allow
// more or less.
func TestLimitsRefuseBeforeDecoding(t *testing.T) {
	file := pngBytes(t, image.NewGray(image.Rect(0, 0, 40, 30)))
	for _, c := range []struct {
		limits Limits
		file   []byte
		want   string // of the error, "" for none
	}{
		{Limits{}, file, ""},
		{Limits{Pixels: 1200, Bytes: int64(len(file))}, file, ""},
		{Limits{Pixels: 1199}, file, "more than 1199"},
		{Limits{Bytes: int64(len(file)) - 1}, file, "longer than"},
		{Limits{}, hugePNG(5000, 5000), "5000x5000 pixels, more than 16777216"},
		{Limits{Pixels: MaxPixels}, hugePNG(5000, 5000), "cut short"},
		{Limits{Pixels: 1 << 40}, hugePNG(9000, 9000), "more than 67108864"},
	} {
		_, err := c.limits.Decode(bytes.NewReader(c.file), 4, 4, 1)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%+v: %v, not %q", c.limits, err, c.want)
		}
	}
}

// What a file holds is named where it is known, whatever the file's own name.
func TestDecodeNamesForeignFormats(t *testing.T) {
	for head, want := range map[string]string{
		"":                            "an empty file",
		"RIFF\x10\x00\x00\x00WEBPVP8": "WebP",
		"<!DOCTYPE html><html>":       "HTML",
		"GIF89a":                      "GIF",
		"\x00\x00\x00\x20ftypavif":    "AVIF",
		"II*\x00....":                 "TIFF",
		"hello":                       "none of PNG, JPEG",
	} {
		if _, err := Stat(strings.NewReader(head)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, not %q", head, err, want)
		}
	}
}

func TestNamed(t *testing.T) {
	for name, want := range map[string][2]bool{
		"a/x.png": {true, true}, "x.JPG": {true, true}, "x.jfif": {true, true}, "x.jpe": {true, true}, "x.jpeg": {true, true},
		"x.webp": {true, false}, "x.TIFF": {true, false}, "x.txt": {}, "png": {},
	} {
		if image, readable := Named(name); [2]bool{image, readable} != want {
			t.Errorf("%s: %v %v", name, image, readable)
		}
	}
}

// A decoder that panics, in any of its parts, is an error of the file and no end of the program.
func TestPanicOfADecoder(t *testing.T) {
	before := formats
	defer func() { formats = before }()
	fail := func(io.Reader) (Image, error) { panic("index out of range") }
	config := func(io.Reader) (image.Config, error) {
		return image.Config{Height: 1, Width: 1, ColorModel: color.GrayModel}, nil
	}
	for _, f := range []Format{
		{Config: config, Decode: fail},
		{Config: func(io.Reader) (image.Config, error) { panic("index out of range") }},
		{Config: config, Decode: func(io.Reader) (Image, error) { return Image{1, 1, 1, []uint8{0}}, nil }, Orientation: func(io.Reader) int { panic("index out of range") }},
	} {
		f.Name, f.Magic = "BAD", []string{"BAD"}
		formats = []Format{f}
		_, _, err := Limits{}.Read(strings.NewReader("BAD"))
		if f.Orientation == nil && (err == nil || !strings.Contains(err.Error(), "damaged BAD file: its decoder failed: index out of range")) || f.Orientation != nil && err != nil {
			t.Error(err)
		}
	}
}
