// SPDX-License-Identifier: Apache-2.0

package images

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"slices"
	"testing"
)

// upright are the rows a b c, d e f as they are seen, for each orientation: which sides the first row and the first
// column become.
var upright = map[int][]string{
	0: {"abc", "def"}, 1: {"abc", "def"}, 9: {"abc", "def"},
	2: {"cba", "fed"},
	3: {"fed", "cba"},
	4: {"def", "abc"},
	5: {"ad", "be", "cf"},
	6: {"da", "eb", "fc"},
	7: {"fc", "eb", "da"},
	8: {"cf", "be", "ad"},
}

func TestUpright(t *testing.T) {
	for orientation, rows := range upright {
		for channels := 1; channels <= 3; channels += 2 {
			m := Image{2, 3, channels, nil}
			for _, c := range "abcdef" {
				m.Pixels = append(m.Pixels, []uint8{uint8(c), 1, 2}[:channels]...)
			}
			var want []uint8
			for _, row := range rows {
				for _, c := range row {
					want = append(want, []uint8{uint8(c), 1, 2}[:channels]...)
				}
			}
			got := m.Upright(orientation)
			if got.Height != len(rows) || got.Width != len(rows[0]) || !slices.Equal(got.Pixels, want) {
				t.Errorf("orientation %d: %dx%d %q, not %q", orientation, got.Height, got.Width, got.Pixels, want)
			}
		}
	}
}

// exif are metadata with an orientation.
func exif(order binary.AppendByteOrder, magic string, orientation uint16) []byte {
	b := order.AppendUint32([]byte(magic), 8)
	b = order.AppendUint16(b, 1)
	b = order.AppendUint16(b, 274)
	b = order.AppendUint16(b, 3)
	b = order.AppendUint32(b, 1)
	b = order.AppendUint16(b, orientation)
	return append(b, 0, 0, 0, 0, 0, 0)
}

// withExif puts metadata into a JPEG or a PNG.
func withExif(file, exif []byte) []byte {
	if file[0] == 0xff {
		segment := append([]byte("Exif\x00\x00"), exif...)
		head := binary.BigEndian.AppendUint16([]byte{0xff, 0xe0, 0, 2, 0xff, 0xff, 0xe1}, uint16(len(segment)+2)) // after another one
		return slices.Concat(file[:2], head, segment, file[2:])
	}
	chunk := append([]byte("eXIf"), exif...)
	const afterHeader = 8 + 25
	return slices.Concat(file[:afterHeader], binary.BigEndian.AppendUint32(nil, uint32(len(exif))), chunk,
		binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(chunk)), file[afterHeader:])
}

// The orientation noted in a file turns its image, and its size.
func TestOrientationIsApplied(t *testing.T) {
	m := image.NewGray(image.Rect(0, 0, 24, 8))
	for i := range m.Pix {
		m.Pix[i] = uint8(10 * (i % 24 / 8))
	}
	for name, file := range map[string][]byte{"JPEG": jpegBytes(t, m), "PNG": pngBytes(t, m)} {
		plain, info, err := Limits{}.Read(bytes.NewReader(file))
		if err != nil || info.Orientation != 1 {
			t.Fatalf("%s: %+v, %v", name, info, err)
		}
		for orientation := 1; orientation <= 8; orientation++ {
			for magic, order := range map[string]binary.AppendByteOrder{"II*\x00": binary.LittleEndian, "MM\x00*": binary.BigEndian} {
				turned := withExif(file, exif(order, magic, uint16(orientation)))
				got, info, err := Limits{}.Read(bytes.NewReader(turned))
				want := plain.Upright(orientation)
				if err != nil || info != (Info{want.Height, want.Width, 1, false, orientation}) || !bytes.Equal(got.Pixels, want.Pixels) {
					t.Errorf("%s, orientation %d: %+v, %v", name, orientation, info, err)
				}
				small, err := Decode(bytes.NewReader(turned), 5, 4, 1)
				if err != nil || !bytes.Equal(small, want.Resize(5, 4).Pixels) {
					t.Errorf("%s, orientation %d: decoded otherwise: %v", name, orientation, err)
				}
			}
		}
		for _, bad := range []uint16{0, 9, 65535} {
			if info, err := Stat(bytes.NewReader(withExif(file, exif(binary.LittleEndian, "II*\x00", bad)))); err != nil || info.Orientation != 1 {
				t.Errorf("%s, orientation %d: %+v, %v", name, bad, info, err)
			}
		}
		damaged := exif(binary.LittleEndian, "II*\x00", 6)[:15]
		if info, err := Stat(bytes.NewReader(withExif(file, damaged))); err != nil || info.Orientation != 1 {
			t.Errorf("%s, damaged metadata: %+v, %v", name, info, err)
		}
	}
}
