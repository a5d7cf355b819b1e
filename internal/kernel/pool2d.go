// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"fmt"
)

// A Window describes a pooling of NHWC images.
type Window struct {
	InH, InW, C              int // input height, width, channels
	KH, KW                   int // window height, width
	StrideH, StrideW         int
	Top, Left, Bottom, Right int // rows and columns around the input, less than the window; they never win
}

// OutH returns the height of the output.
func (w Window) OutH() int { return (w.InH+w.Top+w.Bottom-w.KH)/w.StrideH + 1 }

// OutW returns the width of the output.
func (w Window) OutW() int { return (w.InW+w.Left+w.Right-w.KW)/w.StrideW + 1 }

// InSize returns the number of elements of one input image.
func (w Window) InSize() int { return w.InH * w.InW * w.C }

// OutSize returns the number of elements of one output image.
func (w Window) OutSize() int { return w.OutH() * w.OutW() * w.C }

// Validate reports the first thing that makes w no pooling.
func (w Window) Validate() error {
	c := Conv{w.InH, w.InW, w.C, w.C, w.KH, w.KW, w.StrideH, w.StrideW, w.Top, w.Left, w.Bottom, w.Right, w.C}
	if err := c.Validate(); err != nil {
		return fmt.Errorf("kernel: pooling as %w", err)
	}
	if w.Top >= w.KH || w.Bottom >= w.KH || w.Left >= w.KW || w.Right >= w.KW {
		return errors.New("kernel: pooling: padding as large as the window leaves a window empty")
	}
	return nil
}

// span returns the window positions [from, to) of output position i that lie
// inside n inputs.
func span(i, stride, pad, kernel, n int) (from, to int) {
	return max(0, pad-i*stride), min(kernel, n+pad-i*stride)
}

// A MaxPool takes the maximum over each window of each channel. It remembers
// where the maxima were from Forward to Backward.
type MaxPool struct {
	w    Window
	pool *Pool
	taps []uint8 // of each output, the window position of its maximum

	y, x, dx, dy []float32
	backward     maxPoolBackward
}

type maxPoolBackward struct{ *MaxPool }

// maxTaps is how many positions a window of MaxPool may have.
const maxTaps = 256

// NewMaxPool returns a plan for batches up to maxBatch images. It panics if w
// is not valid (see [Window.Validate]) or has more than 256 positions.
func NewMaxPool(w Window, maxBatch int, pool *Pool) *MaxPool {
	if err := w.Validate(); err != nil {
		panic(err)
	}
	if w.KH*w.KW > maxTaps {
		panic(fmt.Sprintf("kernel: maximum pooling: window %dx%d has more than %d positions", w.KH, w.KW, maxTaps))
	}
	p := &MaxPool{w: w, pool: pool, taps: make([]uint8, maxBatch*w.OutSize())}
	p.backward.MaxPool = p
	return p
}

// Forward computes y, the maxima of x; of equal ones the first counts, and NaN
// wins over all.
func (p *MaxPool) Forward(y, x []float32, batch int) {
	p.y, p.x = y, x
	p.pool.Run(p, batch)
	p.y, p.x = nil, nil
}

// Backward computes dx from dy: each element of dy goes where the last Forward
// found the maximum, overlapping windows adding up.
func (p *MaxPool) Backward(dx, dy []float32, batch int) {
	p.dx, p.dy = dx, dy
	p.pool.Run(&p.backward, batch)
	p.dx, p.dy = nil, nil
}

// Tile pools one image.
func (p *MaxPool) Tile(n, _ int) {
	w, c := p.w, p.w.C
	x := p.x[n*w.InSize():][:w.InSize()]
	y := p.y[n*w.OutSize():][:w.OutSize()]
	taps := p.taps[n*w.OutSize():][:w.OutSize()]
	outW := w.OutW()
	for i := range w.OutH() * outW {
		oh, ow := i/outW, i%outW
		h0, h1 := span(oh, w.StrideH, w.Top, w.KH, w.InH)
		w0, w1 := span(ow, w.StrideW, w.Left, w.KW, w.InW)
		best, tap := y[i*c:][:c], taps[i*c:][:c]
		for kh := h0; kh < h1; kh++ {
			for kw := w0; kw < w1; kw++ {
				in := x[((oh*w.StrideH-w.Top+kh)*w.InW+ow*w.StrideW-w.Left+kw)*c:][:c]
				at := uint8(kh*w.KW + kw)
				if kh == h0 && kw == w0 {
					copy(best, in)
					fill(tap, at)
					continue
				}
				takeGreater(best, tap, in, at)
			}
		}
	}
}

// fill sets all of s to v.
func fill(s []uint8, v uint8) {
	for i := range s {
		s[i] = v
	}
}

// takeGreater replaces the elements of best that those of x exceed, or that x
// has NaN for, and notes tap for them.
func takeGreater(best []float32, taps []uint8, x []float32, tap uint8) {
	x, taps = x[:len(best)], taps[:len(best)]
	i := 0
	if useAVX2 {
		i = vectorTakeGreater(best, taps, x, tap)
	}
	for ; i < len(best); i++ {
		if v := x[i]; !(v <= best[i]) && best[i] == best[i] {
			best[i], taps[i] = v, tap
		}
	}
}

// Tile scatters the gradient of one image.
func (t *maxPoolBackward) Tile(n, _ int) {
	w, c := t.w, t.w.C
	dx := t.dx[n*w.InSize():][:w.InSize()]
	dy := t.dy[n*w.OutSize():][:w.OutSize()]
	taps := t.taps[n*w.OutSize():][:w.OutSize()]
	outW := w.OutW()
	clear(dx)
	var offsets [maxTaps]int32
	for tap := range w.KH * w.KW {
		offsets[tap] = int32((tap/w.KW*w.InW + tap%w.KW) * c)
	}
	for i := range w.OutH() * outW {
		at := ((i/outW*w.StrideH-w.Top)*w.InW + i%outW*w.StrideW - w.Left) * c
		d, tap := dy[i*c:][:c], taps[i*c:][:c]
		for ch, v := range d {
			dx[at+int(offsets[tap[ch]])+ch] += v
		}
	}
}

// An AvgPool adds up each window of each channel and scales the sum.
type AvgPool struct {
	w    Window
	pool *Pool

	y, x, dx, dy []float32
	scale        float32
	backward     avgPoolBackward
}

type avgPoolBackward struct{ *AvgPool }

// NewAvgPool returns a plan. It panics if w is not valid (see
// [Window.Validate]) or padded.
func NewAvgPool(w Window, _ int, pool *Pool) *AvgPool {
	if err := w.Validate(); err != nil {
		panic(err)
	}
	if w.Top+w.Left+w.Bottom+w.Right > 0 {
		panic("kernel: average pooling: the window is padded")
	}
	p := &AvgPool{w: w, pool: pool}
	p.backward.AvgPool = p
	return p
}

// Forward computes y, the sum of x over each window times scale: 1/(KH*KW) for
// the mean, 1 for exact sums of integers.
func (p *AvgPool) Forward(y, x []float32, batch int, scale float32) {
	p.y, p.x, p.scale = y, x, scale
	p.pool.Run(p, batch)
	p.y, p.x = nil, nil
}

// Backward computes dx from dy, with the scale of Forward.
func (p *AvgPool) Backward(dx, dy []float32, batch int, scale float32) {
	p.dx, p.dy, p.scale = dx, dy, scale
	p.pool.Run(&p.backward, batch)
	p.dx, p.dy = nil, nil
}

// row returns where input position (kh, kw) of output i begins in an image.
func (w Window) row(i, kh, kw int) int {
	outW := w.OutW()
	return ((i/outW*w.StrideH+kh)*w.InW + i%outW*w.StrideW + kw) * w.C
}

// Tile pools one image.
func (p *AvgPool) Tile(n, _ int) {
	w, c := p.w, p.w.C
	x := p.x[n*w.InSize():][:w.InSize()]
	y := p.y[n*w.OutSize():][:w.OutSize()]
	for i := range w.OutH() * w.OutW() {
		sum := y[i*c:][:c]
		clear(sum)
		for tap := range w.KH * w.KW {
			Add(sum, sum, x[w.row(i, tap/w.KW, tap%w.KW):][:c])
		}
		for ch := range sum {
			sum[ch] *= p.scale
		}
	}
}

// Tile spreads the gradient of one image.
func (t *avgPoolBackward) Tile(n, _ int) {
	w, c := t.w, t.w.C
	dx := t.dx[n*w.InSize():][:w.InSize()]
	dy := t.dy[n*w.OutSize():][:w.OutSize()]
	clear(dx)
	for i := range w.OutH() * w.OutW() {
		d := dy[i*c:][:c]
		for tap := range w.KH * w.KW {
			at := dx[w.row(i, tap/w.KW, tap%w.KW):][:c]
			for ch, v := range d {
				at[ch] += float32(v * t.scale)
			}
		}
	}
}
