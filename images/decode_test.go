// SPDX-License-Identifier: Apache-2.0

package images

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"
)

func pngBytes(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func jpegBytes(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: 100}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// painter makes an image of a kind with random colours, opaque or not.
type painter struct {
	name     string
	channels int
	make     func(image.Rectangle) canvas
	alpha    bool
}

type canvas interface {
	image.Image
	Set(x, y int, c color.Color)
}

var painters = []painter{
	{"gray", 1, func(r image.Rectangle) canvas { return image.NewGray(r) }, false},
	{"gray of 16 bits", 1, func(r image.Rectangle) canvas { return image.NewGray16(r) }, false},
	{"colour", 3, func(r image.Rectangle) canvas { return image.NewRGBA(r) }, false},
	{"colour of 16 bits", 3, func(r image.Rectangle) canvas { return image.NewRGBA64(r) }, false},
	{"transparent", 3, func(r image.Rectangle) canvas { return image.NewNRGBA(r) }, true},
	{"transparent of 16 bits", 3, func(r image.Rectangle) canvas { return image.NewNRGBA64(r) }, true},
	{"palette", 3, func(r image.Rectangle) canvas {
		return image.NewPaletted(r, color.Palette{color.NRGBA{1, 2, 3, 255}, color.NRGBA{200, 100, 0, 255}, color.NRGBA{9, 80, 70, 60}})
	}, true},
	{"palette of grays", 1, func(r image.Rectangle) canvas {
		return image.NewPaletted(r, color.Palette{color.Gray{0}, color.Gray{99}, color.Gray{255}})
	}, false},
}

// expected is channel v of opacity a, both of 16 bits, on white, in 8 bits.
func expected(v, a uint16) uint8 {
	x := big.NewRat(int64(v)*int64(a)+65535*(65535-int64(a)), 65535*257)
	return round(x)
}

func TestDecodePNG(t *testing.T) {
	p := rand.New(rand.NewPCG(4, 1))
	const height, width = 9, 14
	for _, kind := range painters {
		m := kind.make(image.Rect(0, 0, width, height))
		for y := range height {
			for x := range width {
				c := color.NRGBA64{uint16(p.Uint32()), uint16(p.Uint32()), uint16(p.Uint32()), 65535}
				if kind.alpha {
					c.A = []uint16{0, 65535, uint16(p.Uint32())}[p.IntN(3)]
				}
				m.Set(x, y, c)
			}
		}
		file := pngBytes(t, m)
		info, err := Stat(bytes.NewReader(file))
		want := Info{height, width, kind.channels, strings.HasSuffix(kind.name, "16 bits"), 1}
		if err != nil || info != want {
			t.Errorf("%s: %+v, %v", kind.name, info, err)
		}
		got, err := Decode(iotest.OneByteReader(bytes.NewReader(file)), height, width, 3)
		if err != nil {
			t.Errorf("%s: %v", kind.name, err)
			continue
		}
		for i := range height * width {
			c := color.NRGBA64Model.Convert(m.At(i%width, i/width)).(color.NRGBA64)
			for k, v := range []uint16{c.R, c.G, c.B} {
				want := expected(v, c.A)
				// The standard library rounds the product with the opacity down, in 16 bits.
				if d := int(got[3*i+k]) - int(want); d != 0 && (c.A == 0 || c.A == 65535 || d*d > 1) {
					t.Fatalf("%s: %v becomes %v, not %d", kind.name, c, got[3*i:3*i+3], want)
				}
			}
		}
		gray, err := Decode(bytes.NewReader(file), height, width, 1)
		if want := (Image{height, width, 3, got}).Recolor(1).Pixels; err != nil || !bytes.Equal(gray, want) {
			t.Errorf("%s: gray differs from the gray of its colours: %v", kind.name, err)
		}
		small, err := Decode(bytes.NewReader(file), 4, 5, 3)
		if want := (Image{height, width, 3, got}).Resize(4, 5).Pixels; err != nil || !bytes.Equal(small, want) {
			t.Errorf("%s: resized, it is not the resized image: %v", kind.name, err)
		}
	}
}

// Few colours take few bits a pixel in a PNG. The grays are those of Pillow 13.0.0, rounded to the nearest, which not every decoder does (findings/torchvision-png-gray.sh).
func TestDecodePackedPalette(t *testing.T) {
	palette := color.Palette{color.NRGBA{10, 20, 30, 255}, color.NRGBA{200, 100, 50, 255}, color.NRGBA{1, 2, 3, 255}, color.NRGBA{250, 251, 252, 255}}
	m := image.NewPaletted(image.Rect(0, 0, 8, 1), palette)
	want := make([]uint8, 0, 3*8)
	for x := range 8 {
		m.SetColorIndex(x, 0, uint8(x%4))
		c := palette[x%4].(color.NRGBA)
		want = append(want, c.R, c.G, c.B)
	}
	file := pngBytes(t, m)
	const bitDepth = 24 // its place in a PNG
	if file[bitDepth] != 2 {
		t.Fatalf("the file has %d bits a pixel, want 2", file[bitDepth])
	}
	if got, err := Decode(bytes.NewReader(file), 1, 8, 3); err != nil || !bytes.Equal(got, want) {
		t.Errorf("colours %v, want %v: %v", got, want, err)
	}
	grays := []uint8{18, 124, 2, 251, 18, 124, 2, 251}
	if got, err := Decode(bytes.NewReader(file), 1, 8, 1); err != nil || !bytes.Equal(got, grays) {
		t.Errorf("grays %v, want %v: %v", got, grays, err)
	}
}

// At the best quality a JPEG of a smooth image is that image, but for a little.
func TestDecodeJPEG(t *testing.T) {
	const height, width = 21, 30
	bounds := image.Rect(0, 0, width, height)
	colour, gray := image.NewRGBA(bounds), image.NewGray(bounds)
	for y := range height {
		for x := range width {
			colour.Set(x, y, color.RGBA{uint8(8 * x), uint8(10 * y), uint8(200 - 3*x - 3*y), 255})
			gray.Set(x, y, color.Gray{uint8(5*x + 4*y)})
		}
	}
	for channels, m := range map[int]image.Image{3: colour, 1: gray} {
		file := jpegBytes(t, m)
		if info, err := Stat(bytes.NewReader(file)); err != nil || info != (Info{height, width, channels, false, 1}) {
			t.Errorf("%+v, %v", info, err)
		}
		got, err := Decode(bytes.NewReader(file), height, width, 3)
		if err != nil {
			t.Fatal(err)
		}
		for i := range height * width {
			r, g, b, _ := m.At(i%width, i/width).RGBA()
			for k, v := range []uint32{r, g, b} {
				if d := int(got[3*i+k]) - int(v>>8); d > 12 || d < -12 {
					t.Fatalf("pixel %d, channel %d: %d, not %d", i, k, got[3*i+k], v>>8)
				}
			}
		}
	}
}

func TestYCbCr(t *testing.T) {
	m := image.NewYCbCr(image.Rect(0, 0, 1, 1), image.YCbCrSubsampleRatio444)
	clamped := func(x *big.Rat) int {
		if x.Sign() < 0 {
			return 0
		}
		if x.Cmp(big.NewRat(255, 1)) > 0 {
			return 255
		}
		return int(round(x))
	}
	for y := 0; y < 256; y += 17 {
		for cb := 0; cb < 256; cb += 5 {
			for cr := 0; cr < 256; cr += 5 {
				m.Y[0], m.Cb[0], m.Cr[0] = uint8(y), uint8(cb), uint8(cr)
				got := unpackYCbCr(m).Pixels
				b, r := int64(cb-128), int64(cr-128)
				for k, x := range []*big.Rat{
					big.NewRat(int64(y)*1000+1402*r, 1000),
					big.NewRat(int64(y)*1000000-344136*b-714136*r, 1000000),
					big.NewRat(int64(y)*1000+1772*b, 1000),
				} {
					if int(got[k]) != clamped(x) {
						t.Fatalf("Y %d Cb %d Cr %d: channel %d is %d, not %d", y, cb, cr, k, got[k], clamped(x))
					}
				}
			}
		}
	}
}

// hugePNG is the beginning of a PNG that declares a size.
func hugePNG(width, height uint32) []byte {
	chunk := []byte("IHDR")
	chunk = binary.BigEndian.AppendUint32(chunk, width)
	chunk = binary.BigEndian.AppendUint32(chunk, height)
	chunk = append(chunk, 8, 2, 0, 0, 0)
	file := append([]byte(formats[0].Magic[0]), 0, 0, 0, 13)
	file = append(file, chunk...)
	return binary.BigEndian.AppendUint32(file, crc32.ChecksumIEEE(chunk))
}

func TestDecodeRefuses(t *testing.T) {
	m := image.NewRGBA(image.Rect(0, 0, 20, 20))
	var g bytes.Buffer
	if err := gif.Encode(&g, m, nil); err != nil {
		t.Fatal(err)
	}
	good := pngBytes(t, m)
	damaged := bytes.Clone(good)
	damaged[len(damaged)-20] ^= 1
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"empty":             {nil, "an empty file"},
		"another format":    {g.Bytes(), "GIF, which is none of PNG, JPEG; convert it"},
		"header only":       {good[:8], "PNG file cut short"},
		"cut short":         {good[:len(good)-20], "unexpected EOF"},
		"cut short as JPEG": {jpegBytes(t, m)[:300], "JPEG file cut short"},
		"damaged":           {damaged, "damaged PNG file"},
		"huge":              {hugePNG(9000, 9000), "more than 16777216"},
		"huge beyond 2^31":  {hugePNG(1<<31-1, 1<<31-1), "images: "},
	} {
		_, err := Decode(bytes.NewReader(c.file), 8, 8, 3)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, not %q", name, err, c.want)
		}
	}
	for _, size := range [][3]int{{0, 8, 1}, {8, -1, 1}, {8, 8, 2}, {1 << 20, 1 << 20, 1}} {
		if _, err := Decode(bytes.NewReader(good), size[0], size[1], size[2]); err == nil {
			t.Errorf("%v: accepted", size)
		}
	}
	if _, err := Decode(iotest.ErrReader(io.ErrClosedPipe), 8, 8, 3); err == nil {
		t.Error("a reader's error is lost")
	}
}

func FuzzDecode(f *testing.F) {
	m := image.NewNRGBA(image.Rect(0, 0, 5, 4))
	f.Add(pngBytes(f, m))
	f.Add(jpegBytes(f, m))
	f.Add(jpegBytes(f, image.NewGray(image.Rect(0, 0, 9, 9))))
	f.Add(pngBytes(f, image.NewPaletted(image.Rect(0, 0, 3, 3), color.Palette{color.Black, color.White})))
	f.Add(hugePNG(1<<30, 1<<30))
	f.Fuzz(func(t *testing.T, file []byte) {
		info, err := Stat(bytes.NewReader(file))
		if err == nil && info.Height > 1<<20/info.Width {
			t.Skip("slow")
		}
		pixels, decodeErr := Decode(bytes.NewReader(file), 6, 7, 3)
		if decodeErr == nil && (err != nil || len(pixels) != 6*7*3) {
			t.Fatalf("%d values, %v", len(pixels), err)
		}
	})
}
