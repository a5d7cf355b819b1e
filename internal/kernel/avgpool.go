// SPDX-License-Identifier: Apache-2.0

package kernel

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
