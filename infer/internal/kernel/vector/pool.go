// SPDX-License-Identifier: Apache-2.0

package vector

import "github.com/goqat/goqat/infer/internal/kernel"

// MaxPool is kernel.MaxPool by rows of pixels, of at least 16 channels.
func (p *Processor) MaxPool(w *kernel.Window, dst, x []uint8, row, rows int) {
	if w.InC < 16 {
		kernel.MaxPool(w, dst, x, row, rows)
		return
	}
	for end := row + rows; row < end; {
		row += run(w, row, end, func(pixels, place, taps int) {
			out, codes := dst[row*w.OutC:][:pixels*w.OutC], x[place:]
			step := w.StrideW * w.InC
			_ = codes[(pixels-1)*step+int(w.Offsets[taps-1])+w.InC-1]
			if w.InC < 32 {
				p.Pool.MaxRow16(&out[0], &codes[0], &w.Offsets[0], taps, w.InC, pixels, step)
			} else {
				p.Pool.MaxRow32(&out[0], &codes[0], &w.Offsets[0], taps, w.InC, pixels, step)
			}
		}, func() { kernel.MaxPool(w, dst, x, row, 1) })
	}
}

// SumPool is kernel.SumPool by rows of pixels, of at least 8 channels.
func (p *Processor) SumPool(w *kernel.Window, acc []int32, x []uint8, row, rows int) {
	if w.InC < 8 {
		kernel.SumPool(w, acc, x, row, rows)
		return
	}
	first := row
	for end := row + rows; row < end; {
		row += run(w, row, end, func(pixels, place, taps int) {
			out, codes := acc[(row-first)*w.OutC:][:pixels*w.OutC], x[place:]
			step := w.StrideW * w.InC
			_ = codes[(pixels-1)*step+int(w.Offsets[taps-1])+w.InC-1]
			p.Pool.SumRow(&out[0], &codes[0], &w.Offsets[0], taps, w.InC, pixels, step, -int(w.Zero)*taps)
		}, func() { kernel.SumPool(w, acc[(row-first)*w.OutC:], x, row, 1) })
	}
}

// run handles the output rows from row on, before end, that are next to each other in one line of an image. Those whose
// windows lie inside the image from left to right go to inside, with the place of the first tap that exists in x and
// the number of taps; a single one that does not, to border. It returns how many rows that was.
func run(w *kernel.Window, row, end int, inside func(pixels, place, taps int), border func()) int {
	image, pixel := row/w.Pixels(), row%w.Pixels()
	oy, ox := pixel/w.OutW, pixel%w.OutW
	last := min(w.OutW, (w.InW-w.KW+w.Left)/w.StrideW+1) // of the windows that do not pass the right edge, after the last
	x0 := ox*w.StrideW - w.Left
	if w.InW < w.KW || x0 < 0 || ox >= last {
		border()
		return 1
	}
	firstY, lastY, y0 := kernel.Taps(oy, w.StrideH, w.Top, w.KH, w.InH)
	pixels := min(end-row, last-ox)
	inside(pixels, image*w.InLen()+((y0+firstY)*w.InW+x0)*w.InC, (lastY-firstY)*w.KW)
	return pixels
}
