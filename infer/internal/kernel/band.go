// SPDX-License-Identifier: Apache-2.0

//go:build (amd64 || arm64) && !purego

package kernel

//go:generate sh -c "cd _asm && ./generate.sh widen"
//go:generate sh -c "cd _asm && ./generate.sh widenneon arm64"

// A band is some lines of an output image, and how their input gets to a buffer: with the padding, so that the codes
// under one line of the kernel follow each other, and no code more than once. The products read the buffer in place.
type band struct {
	c     Conv
	width int // bytes of a code in the buffer: 1, or 2 for words
	lines int // of the output image, at most
}

// pitch returns the bytes of a line of the buffer.
func (b *band) pitch() int { return ((b.c.OutW-1)*b.c.StrideW + b.c.KW) * b.c.InC * b.width }

// height returns the lines of the buffer under a number of output lines.
func (b *band) height(lines int) int { return (lines-1)*b.c.StrideH + b.c.KH }

// offset returns the place in the buffer of the first tap of an output pixel of the band.
func (b *band) offset(pixel int) int {
	return pixel/b.c.OutW*b.c.StrideH*b.pitch() + pixel%b.c.OutW*b.c.StrideW*b.c.InC*b.width
}

// limit sets lines so that a band has at most about the given rows, and its buffer the given bytes; bands of an image
// are alike.
func (b *band) limit(rows, buffer int) {
	most := max(1, min(rows/b.c.OutW, buffer/(b.c.StrideH*b.pitch())))
	bands := (b.c.OutH + most - 1) / most
	b.lines = (b.c.OutH + bands - 1) / bands
}

// perImage returns the bands of an image.
func (b *band) perImage() int { return (b.c.OutH + b.lines - 1) / b.lines }

// tile returns the rows of band i of a batch.
func (b *band) tile(i int) (row, rows int) {
	y := i % b.perImage() * b.lines
	return (i/b.perImage()*b.c.OutH + y) * b.c.OutW, min(b.lines, b.c.OutH-y) * b.c.OutW
}

// copy fills the buffer for rows of an image, whole lines, of the batch x.
func (b *band) copy(buffer, x []uint8, row, rows int) {
	c := &b.c
	x = x[row/c.Pixels()*c.InLen():][:c.InLen()]
	b.copyLines(buffer, row, rows, func(line []uint8, first, columns int) {
		copyCodes(line, x[first*c.InC:], b.width)
	})
}

// copyLines fills the buffer for rows of an image, whole lines, with padding and with what put writes to a line of it:
// columns pixels of the image from the first.
func (b *band) copyLines(buffer []uint8, row, rows int, put func(line []uint8, first, columns int)) {
	c, pitch := &b.c, b.pitch()
	y := row%c.Pixels()/c.OutW*c.StrideH - c.Top
	inside := b.inside()
	start, end := c.Left*c.InC*b.width, (c.Left+inside)*c.InC*b.width
	for range b.height(rows / c.OutW) {
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

// inside returns the columns of the image that the buffer holds.
func (b *band) inside() int { return min(b.c.InW, (b.c.OutW-1)*b.c.StrideW+b.c.KW-b.c.Left) }

// fill fills a part of the buffer with the zero point.
func (b *band) fill(line []uint8) {
	if b.c.Zero == 0 || len(line) == 0 {
		clear(line)
		return
	}
	line[b.width-1] = 0
	line[0] = uint8(b.c.Zero)
	for n := b.width; n < len(line); n *= 2 {
		copy(line[n:], line[:n])
	}
}

// copyCodes fills dst with codes, each in width bytes.
func copyCodes(dst, codes []uint8, width int) {
	if width == 1 {
		copy(dst, codes)
		return
	}
	n := len(dst) / 2
	codes = codes[:n]
	blocks := n / 16
	if blocks > 0 {
		widen(&dst[0], &codes[0], blocks)
	}
	for i := blocks * 16; i < n; i++ {
		dst[2*i], dst[2*i+1] = codes[i], 0
	}
}
