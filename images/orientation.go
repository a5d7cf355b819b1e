// SPDX-License-Identifier: Apache-2.0

package images

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"

	"github.com/goqat/goqat/images/internal/ifd"
)

// Upright returns m as it is meant to be seen; m itself if it is. The orientation is a value of the Exif tag of that
// name (CIPA DC-008, 4.6.5), which says which sides of the image seen are the first row and the first column of m:
//
//	1  top, left     5  left, top
//	2  top, right    6  right, top
//	3  bottom, right 7  right, bottom
//	4  bottom, left  8  left, bottom
//
// Any other value stands for 1.
func (m Image) Upright(orientation int) Image {
	if orientation < 2 || orientation > 8 {
		return m
	}
	start, across, down := 0, 1, m.Width // in pixels of m: its first one, and the way to the next column and the next row
	if orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8 {
		start, across = m.Width-1, -1
	}
	if orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7 {
		start, down = start+(m.Height-1)*m.Width, -m.Width
	}
	out := Image{m.Height, m.Width, m.Channels, make([]uint8, len(m.Pixels))}
	if orientation >= 5 {
		out.Height, out.Width, across, down = m.Width, m.Height, down, across
	}
	to := out.Pixels
	for y := range out.Height {
		from := start + y*down
		for range out.Width {
			copy(to, m.Pixels[from*m.Channels:][:m.Channels])
			to, from = to[m.Channels:], from+across
		}
	}
	return out
}

// orientationJPEG returns the orientation in the Exif segment (APP1) of a JPEG.
func orientationJPEG(r io.Reader) int {
	const startOfImage, endOfImage, startOfScan, app1 = 0xd8, 0xd9, 0xda, 0xe1
	b := bufio.NewReader(r)
	for {
		marker, err := nextMarker(b)
		switch {
		case err != nil || marker == endOfImage || marker == startOfScan:
			return 1
		case marker == startOfImage:
			continue
		}
		var size [2]byte
		if _, err := io.ReadFull(b, size[:]); err != nil {
			return 1
		}
		n := int64(binary.BigEndian.Uint16(size[:])) - int64(len(size))
		if marker != app1 {
			if _, err := io.CopyN(io.Discard, b, n); n < 0 || err != nil {
				return 1
			}
			continue
		}
		segment, err := io.ReadAll(io.LimitReader(b, n))
		if err != nil {
			return 1
		}
		if exif, ok := bytes.CutPrefix(segment, []byte("Exif\x00\x00")); ok {
			o, _ := ifd.Number(exif, ifd.Orientation)
			return o
		}
	}
}

// nextMarker reads the marker that is next in a JPEG: 0xff, as often as may be, and its number.
func nextMarker(b *bufio.Reader) (byte, error) {
	c, err := b.ReadByte()
	if err != nil || c != 0xff {
		return 0, io.ErrUnexpectedEOF
	}
	for err == nil && c == 0xff {
		c, err = b.ReadByte()
	}
	return c, err
}

// orientationPNG returns the orientation in the eXIf chunk of a PNG, if it comes before the pixels.
func orientationPNG(r io.Reader) int {
	const signature, mostExif = 8, 1 << 20
	if _, err := io.CopyN(io.Discard, r, signature); err != nil {
		return 1
	}
	for {
		var head [8]byte // of a chunk: bytes that follow, type
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return 1
		}
		n := int64(binary.BigEndian.Uint32(head[:]))
		switch string(head[4:]) {
		case "IDAT", "IEND":
			return 1
		case "eXIf":
			exif, err := io.ReadAll(io.LimitReader(r, min(n, mostExif)))
			if err != nil {
				return 1
			}
			o, _ := ifd.Number(exif, ifd.Orientation)
			return o
		}
		if _, err := io.CopyN(io.Discard, r, n+4); err != nil { // and its checksum
			return 1
		}
	}
}
