// SPDX-License-Identifier: Apache-2.0

package formats

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/gif"
	"math/big"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/goqat/goqat/images"
)

// The colours of a lossy WebP are those of video: rational numbers straight from ITU-R BT.601, 2.5, where 16 is black
// and 235 white.
func TestVideoColours(t *testing.T) {
	m := image.NewYCbCr(image.Rect(0, 0, 1, 1), image.YCbCrSubsampleRatio420)
	kr, kb := big.NewRat(299, 1000), big.NewRat(114, 1000)
	times := func(a, b *big.Rat) *big.Rat { return new(big.Rat).Mul(a, b) }
	less := func(a, b *big.Rat) *big.Rat { return new(big.Rat).Sub(a, b) }
	one, two := big.NewRat(1, 1), big.NewRat(2, 1)
	for y := 0; y < 256; y += 5 {
		for cb := 0; cb < 256; cb += 15 {
			for cr := 0; cr < 256; cr += 15 {
				m.Y[0], m.Cb[0], m.Cr[0] = uint8(y), uint8(cb), uint8(cr)
				got := unpackVideo(m).Pixels
				luma := big.NewRat(255*int64(y-16), 219)
				r := new(big.Rat).Add(luma, times(times(two, less(one, kr)), big.NewRat(255*int64(cr-128), 224)))
				b := new(big.Rat).Add(luma, times(times(two, less(one, kb)), big.NewRat(255*int64(cb-128), 224)))
				g := less(less(luma, times(kr, r)), times(kb, b))
				g.Quo(g, less(less(one, kr), kb))
				for i, want := range []*big.Rat{r, g, b} {
					value, _ := want.Float64()
					if d := float64(got[i]) - max(0, min(255, value)); d > 0.51 || d < -0.51 {
						t.Fatalf("Y %d Cb %d Cr %d: channel %d is %d, not %g", y, cb, cr, i, got[i], value)
					}
				}
			}
		}
	}
	for y, want := range map[uint8]uint8{16: 0, 235: 255, 0: 0, 255: 255} {
		m.Y[0], m.Cb[0], m.Cr[0] = y, 128, 128
		if got := unpackVideo(m).Pixels; !slices.Equal(got, []uint8{want, want, want}) {
			t.Errorf("Y %d: %v, not %d", y, got, want)
		}
	}
}

// Three quarters of a pixel's chroma are those of the nearest value along each side, a quarter of the next one.
func TestChromaIsInterpolated(t *testing.T) {
	m := image.NewYCbCr(image.Rect(0, 0, 4, 1), image.YCbCrSubsampleRatio420)
	copy(m.Y, []uint8{126, 126, 126, 126})
	copy(m.Cb, []uint8{128, 128})
	copy(m.Cr, []uint8{128 - 56, 128 + 56})
	got := unpackVideo(m)
	for x, cr := range []int64{-56, -28, 28, 56} { // -56 + 112 x (0, 1/4, 3/4, 1)
		want := big.NewRat(255*110, 219)
		want.Add(want, new(big.Rat).Mul(big.NewRat(1402*255, 1000*224), big.NewRat(cr, 1)))
		value, _ := want.Float64()
		if d := float64(got.Pixels[3*x]) - value; d > 0.51 || d < -0.51 {
			t.Errorf("pixel %d: red is %d, not %g", x, got.Pixels[3*x], value)
		}
	}
}

// Of a GIF the first image counts, with its own palette, and the screen is white beside it.
func TestFirstImageOfGIF(t *testing.T) {
	grays, colours := color.Palette{color.Gray{0}, color.Gray{100}}, color.Palette{color.RGBA{9, 8, 7, 255}, color.RGBA{1, 2, 3, 255}}
	first := image.NewPaletted(image.Rect(1, 0, 3, 1), colours)
	copy(first.Pix, []uint8{1, 0})
	second := image.NewPaletted(image.Rect(0, 0, 3, 2), grays)
	var b bytes.Buffer
	if err := gif.EncodeAll(&b, &gif.GIF{
		Image: []*image.Paletted{first, second}, Delay: []int{1, 1},
		Config: image.Config{Width: 3, Height: 2, ColorModel: grays},
	}); err != nil {
		t.Fatal(err)
	}
	m, info, err := images.Limits{}.Read(bytes.NewReader(b.Bytes()))
	if err != nil || info != (images.Info{Height: 2, Width: 3, Channels: 3, Orientation: 1}) {
		t.Fatalf("%+v, %v", info, err)
	}
	want := []uint8{255, 255, 255, 1, 2, 3, 9, 8, 7, 255, 255, 255, 255, 255, 255, 255, 255, 255}
	if !slices.Equal(m.Pixels, want) {
		t.Errorf("%v, not %v", m.Pixels, want)
	}
}

func TestStatTellsGrayDeepAndTurned(t *testing.T) {
	for name, want := range map[string]images.Info{
		"gray.gif": {Channels: 1, Orientation: 1}, "still.gif": {Channels: 3, Orientation: 1},
		"gray.tif": {Channels: 1, Orientation: 1}, "deep.tif": {Channels: 1, Orientation: 1, Deep: true}, "turned-5.tif": {Channels: 3, Orientation: 5},
		"gray.bmp": {Channels: 1, Orientation: 1}, "colour.bmp": {Channels: 3, Orientation: 1},
		"turned-6.webp": {Channels: 3, Orientation: 6}, "lossless.webp": {Channels: 3, Orientation: 1},
		"turned-8.jpg": {Channels: 3, Orientation: 8}, "turned-3.png": {Channels: 3, Orientation: 3}, "cmyk.jpg": {Channels: 3, Orientation: 1},
	} {
		_, info := read(t, "testdata/"+name)
		if want.Height, want.Width = 17, 26; want.Orientation >= 5 {
			want.Height, want.Width = 26, 17
		}
		if info != want {
			t.Errorf("%s: %+v, not %+v", name, info, want)
		}
	}
}

// changed is a golden file with other bytes from a place on.
func changed(t *testing.T, name string, at int, with string) []byte {
	t.Helper()
	file, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	copy(file[at:], with)
	return file
}

// hugeTIFF has nothing but a directory.
func hugeTIFF(width, height uint32) []byte {
	file := []byte("II*\x00\x08\x00\x00\x00\x04\x00")
	for _, e := range []struct {
		tag   uint16
		value uint32
	}{{256, width}, {257, height}, {258, 8}, {262, 1}} {
		file = binary.LittleEndian.AppendUint16(file, e.tag)
		file = binary.LittleEndian.AppendUint16(file, 4)
		file = binary.LittleEndian.AppendUint32(file, 1)
		file = binary.LittleEndian.AppendUint32(file, e.value)
	}
	return append(file, 0, 0, 0, 0)
}

// A size is held against the limits before memory is taken for it, in every format.
func TestLimitsHoldForEveryFormat(t *testing.T) {
	for name, file := range map[string][]byte{
		"BMP":           changed(t, "colour.bmp", 18, "\xff\x7f\x00\x00\xff\x7f\x00\x00"),
		"GIF":           changed(t, "still.gif", 6, "\xff\xff\xff\xff"),
		"TIFF":          hugeTIFF(1<<15, 1<<15),
		"WebP":          changed(t, "alpha.webp", 24, "\xff\x3f\x00\xff\x3f\x00"),
		"WebP, lossy":   changed(t, "lossy-95.webp", 26, "\xff\x3f\xff\x3f"),
		"WebP, by VP8L": changed(t, "lossless.webp", 21, "\xff\xff\xff\x0f"),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := images.Decode(bytes.NewReader(file), 8, 8, 3)
		runtime.ReadMemStats(&after)
		if err == nil || !strings.Contains(err.Error(), "more than 16777216") {
			t.Errorf("%s: %v", name, err)
		}
		if taken := after.TotalAlloc - before.TotalAlloc; taken > 1<<20 {
			t.Errorf("%s: takes %d bytes", name, taken)
		}
	}
	for _, name := range goldens(t, "testdata") {
		file, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := (images.Limits{Pixels: 17*26 - 1}).Decode(bytes.NewReader(file), 8, 8, 3); err == nil || !strings.Contains(err.Error(), "more than 441") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A small head with a large image after it is refused.
func TestWebPOfTwoSizes(t *testing.T) {
	file := changed(t, "alpha.webp", 24, "\x00\x00\x00\x00\x00\x00")
	if _, err := images.Decode(bytes.NewReader(file), 8, 8, 3); err == nil || !strings.Contains(err.Error(), "damaged WebP") {
		t.Error(err)
	}
}

// A valid file that is not read is not called damaged.
func TestUnsupportedKindsAreNamed(t *testing.T) {
	separated := hugeTIFF(9, 9)
	separated[54] = 5 // colours are inks
	for want, file := range map[string][]byte{
		"a kind of BMP that is not read":  changed(t, "colour.bmp", 28, "\x10"), // 16 bits
		"a kind of TIFF that is not read": separated,
		"a kind of WebP that is not read": changed(t, "turned-6.webp", 20, "\x02"),
		"a kind of JPEG that is not read": bytes.Replace(changed(t, "cmyk.jpg", 0, ""), []byte("Adobe"), []byte("Other"), 1),
		"BigTIFF, which is none of":       []byte("II+\x00\x08\x00\x00\x00"),
	} {
		if _, err := images.Decode(bytes.NewReader(file), 8, 8, 3); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, not %q", err, want)
		}
	}
}

// However much is missing of a file, it is an error of one line or the part that is there.
func TestFilesCutShort(t *testing.T) {
	for _, name := range goldens(t, "testdata") {
		file, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for n := 0; n < len(file); n += 1 + len(file)/60 {
			pixels, err := images.Decode(bytes.NewReader(file[:n]), 8, 8, 3)
			if err != nil && strings.Contains(err.Error(), "\n") || err == nil && len(pixels) != 8*8*3 {
				t.Errorf("%s, %d bytes: %d pixels, %v", name, n, len(pixels), err)
			}
		}
	}
}

func TestNamed(t *testing.T) {
	for _, name := range []string{"x.webp", "x.BMP", "x.dib", "x.tif", "x.tiff", "x.gif", "x.png"} {
		if image, readable := images.Named(name); !image || !readable {
			t.Errorf("%s: %v %v", name, image, readable)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, name := range goldens(f, "testdata") {
		file, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(file)
	}
	limits := images.Limits{Pixels: 1 << 16, Bytes: 1 << 16}
	f.Fuzz(func(t *testing.T, file []byte) {
		info, err := limits.Stat(bytes.NewReader(file))
		m, read, readErr := limits.Read(bytes.NewReader(file))
		if readErr == nil && (err != nil || info != read || m.Height != info.Height || m.Width != info.Width || len(m.Pixels) != m.Height*m.Width*m.Channels) {
			t.Fatalf("%+v, %v; %+v, %dx%dx%d of %d", info, err, read, m.Height, m.Width, m.Channels, len(m.Pixels))
		}
	})
}
