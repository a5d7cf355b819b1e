// SPDX-License-Identifier: Apache-2.0

package formats

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"io"

	"golang.org/x/image/webp"

	"github.com/goqat/goqat/images"
	"github.com/goqat/goqat/images/internal/ifd"
)

var webpFormat = images.Format{
	Name:        "WebP",
	Magic:       []string{"RIFF????WEBP"},
	Extensions:  []string{".webp"},
	Config:      configWebP,
	Decode:      decodeWebP,
	Orientation: orientationWebP,
}

// Where a file of the extended form has its first chunk, and what the flags of that chunk say.
const (
	webpHead   = 12 // RIFF, bytes that follow, WEBP
	extended   = webpHead + 8
	animated   = 1 << 1
	hasExif    = 1 << 3
	chunkHead  = 8 // of a chunk: type, bytes that follow
	mostOfExif = 1 << 20
)

// flagsWebP reads the head of a file and returns it, and the flags of an extended one.
func flagsWebP(r io.Reader) (head []byte, flags byte, err error) {
	head = make([]byte, extended+1)
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, 0, err
	}
	if string(head[webpHead:webpHead+4]) == "VP8X" {
		flags = head[extended]
	}
	return head, flags, nil
}

func configWebP(r io.Reader) (image.Config, error) {
	head, flags, err := flagsWebP(r)
	if err != nil {
		return image.Config{}, err
	}
	if flags&animated != 0 {
		return image.Config{}, unsupported(errors.New("an animation"))
	}
	return webp.DecodeConfig(io.MultiReader(bytes.NewReader(head), r))
}

func decodeWebP(r io.Reader) (images.Image, error) {
	decoded, err := webp.Decode(r)
	if err != nil {
		return images.Image{}, err
	}
	switch m := decoded.(type) {
	case *image.YCbCr:
		return unpackVideo(m), nil
	case *image.NYCbCrA:
		out := unpackVideo(&m.YCbCr)
		for i := range out.Height * out.Width {
			a := uint32(m.A[i/out.Width*m.AStride+i%out.Width])
			for c, v := range out.Pixels[3*i : 3*i+3] {
				out.Pixels[3*i+c] = uint8((uint32(v)*a + 255*(255-a) + 127) / 255)
			}
		}
		return out, nil
	}
	return images.FromImage(decoded)
}

// unpackVideo converts the colours of a lossy WebP, which are in the range of video (ITU-R BT.601: black is 16, white
// 235), to red, green and blue:
//
//	R = 255/219 Y' + 1.402 x 255/224 Cr'    G = 255/219 Y' - (0.344136 Cb' + 0.714136 Cr') 255/224    B = 255/219 Y' + 1.772 x 255/224 Cb'
//
// with Y' = Y - 16, Cb' = Cb - 128, Cr' = Cr - 128 and the coefficients in units of 2^-16. Cb and Cr have half the
// height and width; between their pixels they are interpolated linearly, as libwebp does. The result is rounded once,
// to nearest.
func unpackVideo(m *image.YCbCr) images.Image {
	const shift, half = 20, 1 << 19 // 16 of the coefficients and 4 of the interpolation
	height, width := m.Rect.Dy(), m.Rect.Dx()
	out := images.Image{Height: height, Width: width, Channels: 3, Pixels: make([]uint8, height*width*3)}
	i := 0
	for y := range height {
		row, other := neighbours(y, height)
		for x := range width {
			column, beside := neighbours(x, width)
			between := func(plane []uint8) int32 { // 16 times the value
				near, far := plane[row*m.CStride:], plane[other*m.CStride:]
				return 9*int32(near[column]) + 3*int32(near[beside]) + 3*int32(far[column]) + int32(far[beside]) - 16*128
			}
			luma := 16 * 76309 * (int32(m.Y[y*m.YStride+x]) - 16)
			cb, cr := between(m.Cb), between(m.Cr)
			out.Pixels[i] = clamp((luma + 104597*cr + half) >> shift)
			out.Pixels[i+1] = clamp((luma - 25675*cb - 53279*cr + half) >> shift)
			out.Pixels[i+2] = clamp((luma + 132201*cb + half) >> shift)
			i += 3
		}
	}
	return out
}

// neighbours are the two pixels of a side of half the length that are nearest to pixel i: three quarters of it are the
// first one's.
func neighbours(i, length int) (near, far int) {
	near = i / 2
	if i%2 == 0 {
		return near, max(near-1, 0)
	}
	return near, min(near+1, (length-1)/2)
}

func clamp(v int32) uint8 { return uint8(max(0, min(255, v))) }

// orientationWebP returns the orientation in the EXIF chunk of an extended file, which comes after the pixels.
func orientationWebP(r io.Reader) int {
	_, flags, err := flagsWebP(r)
	if err != nil || flags&hasExif == 0 {
		return 1
	}
	rest := int64(9) // of the first chunk
	for {
		var head [chunkHead]byte
		if _, err := io.CopyN(io.Discard, r, rest); err != nil {
			return 1
		}
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return 1
		}
		n := int64(binary.LittleEndian.Uint32(head[4:]))
		if string(head[:4]) == "EXIF" {
			exif, err := io.ReadAll(io.LimitReader(r, min(n, mostOfExif)))
			if err != nil {
				return 1
			}
			o, _ := ifd.Number(bytes.TrimPrefix(exif, []byte("Exif\x00\x00")), ifd.Orientation)
			return o
		}
		rest = n + n%2
	}
}
