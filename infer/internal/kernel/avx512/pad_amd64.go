// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package avx512

import (
	"github.com/goqat/goqat/infer/internal/kernel"
	"github.com/goqat/goqat/infer/internal/kernel/vector"
)

// PadSlack is what padLines may write after a buffer.
const PadSlack = 64

// Pad does what Band.Copy does for codes of one byte, in a buffer with PadSlack bytes more.
func Pad(b *vector.Band, buffer, x []uint8, row, rows int) { pad(b, buffer, x, row, rows, nil) }

// SignBounds are what PadSigns makes signs by: of 64 codes, whole pixels, the last one of the channel whose sign is 1, and how many
// before it have a sign of 1.
type SignBounds [2 * together]uint8

// NewSignBounds returns those of one plane of thresholds on codes, and whether there are any: pixels must be a part of 64 codes,
// and every channel must have a code whose sign is 1.
func NewSignBounds(e *kernel.Epilogue) (*SignBounds, bool) {
	if e.T == nil || len(e.T.T) != 1 || len(e.Terms) != 1 || !e.Terms[0].Codes || together%e.Channels != 0 {
		return nil, false
	}
	b := new(SignBounds)
	for i := range together {
		least, most, ok := codeBounds(e, 0, i%e.Channels)
		if !ok {
			return nil, false
		}
		b[i], b[together+i] = most, most-least
	}
	return b, true
}

// PadSigns is Pad with the signs of codes for codes.
func PadSigns(b *vector.Band, buffer, x []uint8, row, rows int, bounds *SignBounds) {
	pad(b, buffer, x, row, rows, bounds)
}

func pad(b *vector.Band, buffer, x []uint8, row, rows int, bounds *SignBounds) {
	c := &b.C
	x = x[row/c.Pixels()*c.InLen():][:c.InLen()]
	y, lines, pitch := row%c.Pixels()/c.OutW*c.StrideH-c.Top, b.Height(rows/c.OutW), b.Pitch()
	_ = buffer[lines*pitch+PadSlack-1]
	above := min(lines, max(0, -y))
	inside := max(0, min(lines-above, c.InH-max(0, y)))
	left := c.Left * c.InC
	columns := min(c.InW*c.InC, pitch-left) // of the image that the buffer holds, in bytes
	if above > 0 {
		padLines(&buffer[0], &x[0], above, 0, pitch, 0, 0, int(c.Zero))
	}
	if dst, src := above*pitch, max(0, y)*c.InW*c.InC; inside > 0 && bounds == nil {
		padLines(&buffer[dst], &x[src], inside, c.InW*c.InC, left, columns, pitch-left-columns, int(c.Zero))
	} else if inside > 0 {
		padSigns(&buffer[dst], &x[src], inside, c.InW*c.InC, left, columns, pitch-left-columns, int(c.Zero), &bounds[0])
	}
	if below := lines - above - inside; below > 0 {
		padLines(&buffer[(above+inside)*pitch], &x[0], below, 0, pitch, 0, 0, int(c.Zero))
	}
}
