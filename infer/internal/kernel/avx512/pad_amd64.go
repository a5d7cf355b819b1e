// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package avx512

import "github.com/goqat/goqat/infer/internal/kernel/vector"

// PadSlack is what padLines may write after a buffer.
const PadSlack = 64

// Pad does what Band.Copy does for codes of one byte, in a buffer with PadSlack bytes more.
func Pad(b *vector.Band, buffer, x []uint8, row, rows int) {
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
	if inside > 0 {
		padLines(&buffer[above*pitch], &x[max(0, y)*c.InW*c.InC], inside, c.InW*c.InC, left, columns, pitch-left-columns, int(c.Zero))
	}
	if below := lines - above - inside; below > 0 {
		padLines(&buffer[(above+inside)*pitch], &x[0], below, 0, pitch, 0, 0, int(c.Zero))
	}
}
