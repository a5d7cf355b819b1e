// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
)

// golden is a file that images/formats is tested with, and the pixels it has.
func golden(t *testing.T, name string) []byte {
	t.Helper()
	file, err := os.ReadFile("../images/formats/testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// Images of all formats train together, upright; how many were turned is said.
func TestOpenReadsEveryFormat(t *testing.T) {
	names := []string{
		"lossy-95.webp", "colour.bmp", "colour.tif", "still.gif", "animated.png", "cmyk.jpg", "ycck.jpg",
		"turned-6.webp", "turned-5.tif", "turned-8.jpg", "turned-3.png",
	}
	var entries []entry
	for _, class := range []string{"cat/", "dog/"} {
		for _, name := range names {
			entries = append(entries, entry{class + name, golden(t, name)})
		}
	}
	for _, where := range writeEvery(t, entries) {
		var n notes
		d := openOK(t, where, Options{Height: 17, Width: 26, Undivided: true, Note: n.add})
		if d.Test.Len() != len(entries) || d.Channels != 3 {
			t.Fatalf("%s: %d images of %v", where, d.Test.Len(), d.Shape)
		}
		n.want(t, "turned upright, by the orientation noted in the file: 8 images")
		for i, f := range d.Test.Files {
			if name := path.Base(f.Path); name == "colour.bmp" {
				want, err := imageLimits.Decode(bytes.NewReader(golden(t, name+".png")), 17, 26, 3)
				if err != nil || !bytes.Equal(d.Test.image(i), want) {
					t.Errorf("%s: other pixels, %v", f.Path, err)
				}
			}
		}
	}
}

// deepPNG is a gray image of 16 bits that holds the values low to high.
func deepPNG(t *testing.T, low, high uint16) []byte {
	m := image.NewGray16(image.Rect(0, 0, 4, 4))
	for i := range 16 {
		m.SetGray16(i%4, i/4, color.Gray16{low + uint16(i)*((high-low)/15)})
	}
	return encoded(t, m, png.Encode)
}

// Images of 16 bits that fill 12 lose four of eight bits when they are rounded: that is said. Others are as good as
// images of 8 bits.
func TestOpenSaysThatFewLevelsAreLeft(t *testing.T) {
	for _, c := range []struct {
		low, high uint16
		want      string
	}{
		{0, 4095, "6 images of 16 bits a channel: rounded to 8 bits, only 17 of 256 levels are left (0 to 16)"},
		{30000, 33000, "only 12 of 256 levels are left (117 to 128)"},
		{0, 65535, ""},
	} {
		var entries []entry
		for i := range 6 {
			entries = append(entries, entry{[]string{"cat/", "dog/"}[i%2] + string(rune('a'+i)) + ".png", deepPNG(t, c.low, c.high)})
		}
		var n notes
		openOK(t, writeFolder(t, entries), Options{Undivided: true, Note: n.add})
		if c.want != "" {
			n.want(t, c.want)
		} else if slices.ContainsFunc(n, func(s string) bool { return strings.Contains(s, "levels") }) {
			t.Errorf("%q", n)
		}
	}
	var n notes
	openOK(t, writeFolder(t, without(pictures(t, 3, 0), "")), Options{Undivided: true, Note: n.add})
	if slices.ContainsFunc(n, func(s string) bool { return strings.Contains(s, "levels") }) {
		t.Errorf("8 bits: %q", n)
	}
}
