// SPDX-License-Identifier: Apache-2.0

package vector

import "github.com/goqat/goqat/infer/internal/kernel"

// A Layout is a Tiling, and where its products find the codes under the kernel at an output row: in the input, where that has
// what they read next to each other, or in a buffer.
type Layout struct {
	Tiling
	Direct bool // the products read the input in place
	Line   int  // bytes from a line of the codes to the next
	Pixel  int  // bytes from an output row's codes to those of the next in its line
	Slack  int  // bytes that the products can read, and Fill can write, after a buffer of lines
	// Fill fills the buffer for rows of an image, whole lines, of the batch x.
	Fill func(b *Band, buffer, x []uint8, row, rows int)
}

// NewLayout returns a layout without sizes yet, of products that read so many bytes of a line of the kernel; what these are
// more than its codes meets weights of 0. With inPlace they can read the input, if its codes have width 1.
func NewLayout(c kernel.Conv, width, together, bytes int, inPlace bool) Layout {
	l := Layout{Tiling: NewTiling(c, width, together), Slack: 4, Fill: (*Band).Copy}
	inside := c.Top == 0 && c.Left == 0 && (c.OutH-1)*c.StrideH+c.KH <= c.InH && (c.OutW-1)*c.StrideW+c.KW <= c.InW
	l.Direct = inPlace && inside && width == 1 && bytes == c.KW*c.InC
	switch {
	case l.Flat:
		l.Line, l.Pixel = bytes, bytes
	case l.Direct:
		l.Line, l.Pixel = c.InW*c.InC, c.StrideW*c.InC
	default:
		l.Line, l.Pixel = l.Pitch(), c.StrideW*c.InC*width
	}
	return l
}

// Offset returns the place of the first tap of an output row of a tile.
func (l *Layout) Offset(row int) int {
	if l.Flat {
		return row * l.Pixel
	}
	return row/l.C.OutW*l.C.StrideH*l.Line + row%l.C.OutW*l.Pixel
}

// Offsets returns those of every step-th row of the largest tile.
func (l *Layout) Offsets(step int) (offsets []int32) {
	for row := 0; row < l.Rows; row += step {
		offsets = append(offsets, int32(l.Offset(row)))
	}
	return offsets
}

// Needs returns the buffer.
func (l *Layout) Needs() kernel.Needs {
	switch {
	case l.Direct:
		return kernel.Needs{}
	case l.Flat:
		return kernel.Needs{Bytes: l.Rows * l.Line}
	default:
		return kernel.Needs{Bytes: l.Height(l.Lines)*l.Line + l.Slack}
	}
}

// Codes returns the codes under the kernel at the rows of a tile, where the offsets say, in x or in the buffer.
func (l *Layout) Codes(x []uint8, t kernel.Tile, buffer []uint8) []uint8 {
	c := &l.C
	n := c.InC
	switch {
	case l.Flat && l.Direct:
		return x[t.Row*n:]
	case l.Flat && n*l.Width == l.Line: // rows follow each other
		l.copyCodes(buffer[:t.Rows*l.Line], x[t.Row*n:])
	case l.Flat:
		for r := range t.Rows {
			l.copyCodes(buffer[r*l.Line:][:n*l.Width], x[(t.Row+r)*n:])
		}
	case l.Direct:
		return x[t.Row/c.Pixels()*c.InLen()+t.Row%c.Pixels()/c.OutW*c.StrideH*l.Line:]
	default:
		l.Fill(&l.Band, buffer, x, t.Row, t.Rows)
	}
	return buffer
}
