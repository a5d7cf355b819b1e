// SPDX-License-Identifier: Apache-2.0

package kernel

// An AvgPool adds up each window of each channel, padding left out, and multiplies
// the sum by a factor of the output's place.
type AvgPool struct {
	w    Pooling
	pool *Pool

	y, dx, dy []float32
	x         Values
	factors   []float32
	backward  avgPoolBackward
}

type avgPoolBackward struct{ *AvgPool }

// NewAvgPool returns a plan. It panics if w is not valid (see
// [Pooling.Validate]).
func NewAvgPool(w Pooling, pool *Pool) *AvgPool {
	if err := w.Validate(); err != nil {
		panic(err)
	}
	p := &AvgPool{w: w, pool: pool}
	p.backward.AvgPool = p
	pool.reserve(w.C, 0)
	return p
}

// Forward computes y, the sum of x over each window times one of the factors, of
// which there are [OutH, OutW]: one by the number of taps for the mean, 1 for exact
// sums of integers.
func (p *AvgPool) Forward(y []float32, x Values, batch int, factors []float32) {
	p.y, p.x, p.factors = y, x, factors
	p.pool.Run(p, batch)
	p.y, p.x = nil, Values{}
}

// Backward computes dx from dy, with the factors of Forward.
func (p *AvgPool) Backward(dx, dy []float32, batch int, factors []float32) {
	p.dx, p.dy, p.factors = dx, dy, factors
	p.pool.Run(&p.backward, batch)
	p.dx, p.dy = nil, nil
}

// each calls f for every tap of output i that lies inside the image, with where it
// begins there.
func (w *Pooling) each(i int, f func(at int)) {
	outW := w.OutW()
	top, left := i/outW*w.Stride[0]-w.Pad[0], i%outW*w.Stride[1]-w.Pad[1]
	h0, h1 := span(top, 1, w.Kernel[0], w.InH)
	w0, w1 := span(left, 1, w.Kernel[1], w.InW)
	for kh := h0; kh < h1; kh++ {
		for kw := w0; kw < w1; kw++ {
			f(((top+kh)*w.InW + left + kw) * w.C)
		}
	}
}

// Tile pools one image.
func (p *AvgPool) Tile(n, worker int) {
	w, c := &p.w, p.w.C
	pixel := p.pool.local[worker][:c]
	y := p.y[n*w.OutSize():][:w.OutSize()]
	for i, factor := range p.factors {
		sum := y[i*c:][:c]
		clear(sum)
		w.each(i, func(at int) {
			p.x.Read(pixel, n*w.InSize()+at)
			Add(sum, sum, pixel)
		})
		for ch := range sum {
			sum[ch] *= factor
		}
	}
}

// Tile spreads the gradient of one image.
func (t *avgPoolBackward) Tile(n, _ int) {
	w, c := &t.w, t.w.C
	dx := t.dx[n*w.InSize():][:w.InSize()]
	dy := t.dy[n*w.OutSize():][:w.OutSize()]
	clear(dx)
	for i, factor := range t.factors {
		d := dy[i*c:][:c]
		w.each(i, func(at int) {
			for ch, v := range d {
				dx[at+ch] += float32(v * factor)
			}
		})
	}
}
