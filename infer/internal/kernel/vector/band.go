// SPDX-License-Identifier: Apache-2.0

package vector

import "github.com/goqat/goqat/infer/internal/kernel"

// A Band is some lines of an output image, and how their input gets to a buffer: with the padding, so that the codes
// under one line of the kernel follow each other, and no code more than once. The products read the buffer in place.
type Band struct {
	C     kernel.Conv
	Width int   // bytes of a code in the buffer: 1, or 2 for words
	Lines int   // of the output image, at most
	Widen Widen // for words
}

// Pitch returns the bytes of a line of the buffer.
func (b *Band) Pitch() int { return ((b.C.OutW-1)*b.C.StrideW + b.C.KW) * b.C.InC * b.Width }

// Height returns the lines of the buffer under a number of output lines.
func (b *Band) Height(lines int) int { return (lines-1)*b.C.StrideH + b.C.KH }

// Limit sets Lines so that a band has at most about the given rows, and its buffer the given bytes; bands of an image
// are alike.
func (b *Band) Limit(rows, buffer int) {
	most := max(1, min(rows/b.C.OutW, buffer/(b.C.StrideH*b.Pitch())))
	bands := (b.C.OutH + most - 1) / most
	b.Lines = (b.C.OutH + bands - 1) / bands
}

// PerImage returns the bands of an image.
func (b *Band) PerImage() int { return (b.C.OutH + b.Lines - 1) / b.Lines }

// Tile returns the rows of band i of a batch.
func (b *Band) Tile(i int) (row, rows int) {
	y := i % b.PerImage() * b.Lines
	return (i/b.PerImage()*b.C.OutH + y) * b.C.OutW, min(b.Lines, b.C.OutH-y) * b.C.OutW
}

// Copy fills the buffer for rows of an image, whole lines, of the batch x.
func (b *Band) Copy(buffer, x []uint8, row, rows int) {
	c := &b.C
	x = x[row/c.Pixels()*c.InLen():][:c.InLen()]
	b.CopyLines(buffer, row, rows, func(line []uint8, first, columns int) {
		b.copyCodes(line, x[first*c.InC:])
	})
}

// CopyLines fills the buffer for rows of an image, whole lines, with padding and with what put writes to a line of it:
// columns pixels of the image from the first.
func (b *Band) CopyLines(buffer []uint8, row, rows int, put func(line []uint8, first, columns int)) {
	c, pitch := &b.C, b.Pitch()
	y := row%c.Pixels()/c.OutW*c.StrideH - c.Top
	inside := b.Inside()
	start, end := c.Left*c.InC*b.Width, (c.Left+inside)*c.InC*b.Width
	for range b.Height(rows / c.OutW) {
		line := buffer[:pitch]
		if y < 0 || y >= c.InH {
			b.fill(line)
		} else {
			b.fill(line[:start])
			put(line[start:end], y*c.InW, inside)
			b.fill(line[end:])
		}
		buffer = buffer[pitch:]
		y++
	}
}

// Inside returns the columns of the image that the buffer holds.
func (b *Band) Inside() int { return min(b.C.InW, (b.C.OutW-1)*b.C.StrideW+b.C.KW-b.C.Left) }

// fill fills a part of the buffer with the zero point.
func (b *Band) fill(line []uint8) {
	if b.C.Zero == 0 || len(line) == 0 {
		clear(line)
		return
	}
	line[b.Width-1] = 0
	line[0] = uint8(b.C.Zero)
	for n := b.Width; n < len(line); n *= 2 {
		copy(line[n:], line[:n])
	}
}

// copyCodes fills dst with codes, each in Width bytes.
func (b *Band) copyCodes(dst, codes []uint8) {
	if b.Width == 1 {
		copy(dst, codes)
		return
	}
	n := len(dst) / 2
	codes = codes[:n]
	blocks := n / 16
	if blocks > 0 {
		b.Widen(&dst[0], &codes[0], blocks)
	}
	for i := blocks * 16; i < n; i++ {
		dst[2*i], dst[2*i+1] = codes[i], 0
	}
}
