// SPDX-License-Identifier: Apache-2.0

package kernel

import "fmt"

// maxTaps is how many positions a window of MaxPool may have.
const maxTaps = 256

// A MaxPool takes the maximum over each window of each channel. It remembers
// where the maxima were from Forward to Backward.
type MaxPool struct {
	w    Pooling
	pool *Pool
	taps []uint8 // of each output, the window position of its maximum
	runs []maxRun

	y, x     Values
	dx, dy   []float32
	backward maxPoolBackward
}

type maxPoolBackward struct{ *MaxPool }

// A maxRun is neighbouring outputs of a row whose windows have the same
// positions inside the image.
type maxRun struct {
	out, in int     // offsets of the first output and of the image position at its first tap
	pixels  int     // outputs
	at      []int32 // offset of each tap from the first
	taps    []int32 // its window position
}

// NewMaxPool returns a plan for batches up to maxBatch images. It panics if w
// is not valid (see [Pooling.Validate]) or has more than 256 positions.
func NewMaxPool(w Pooling, maxBatch int, pool *Pool) *MaxPool {
	if err := w.Validate(); err != nil {
		panic(err)
	}
	if w.Kernel[0]*w.Kernel[1] > maxTaps {
		panic(fmt.Sprintf("kernel: maximum pooling: window %dx%d has more than %d positions", w.Kernel[0], w.Kernel[1], maxTaps))
	}
	p := &MaxPool{w: w, pool: pool, taps: make([]uint8, maxBatch*w.OutSize())}
	p.backward.MaxPool = p
	pool.reserve((w.Kernel[0]*w.InW+w.OutW())*w.C, 0)
	outW := w.OutW()
	for oh := range w.OutH() {
		h0, h1 := span(oh*w.Stride[0]-w.Pad[0], 1, w.Kernel[0], w.InH)
		for ow := 0; ow < outW; {
			w0, w1 := span(ow*w.Stride[1]-w.Pad[1], 1, w.Kernel[1], w.InW)
			run := maxRun{
				out: (oh*outW + ow) * w.C,
				in:  ((oh*w.Stride[0]-w.Pad[0]+h0)*w.InW + ow*w.Stride[1] - w.Pad[1] + w0) * w.C,
			}
			for same := true; same && ow < outW; {
				run.pixels++
				ow++
				v0, v1 := span(ow*w.Stride[1]-w.Pad[1], 1, w.Kernel[1], w.InW)
				same = v0 == w0 && v1 == w1
			}
			for kh := h0; kh < h1; kh++ {
				for kw := w0; kw < w1; kw++ {
					run.at = append(run.at, int32(((kh-h0)*w.InW+kw-w0)*w.C))
					run.taps = append(run.taps, int32(kh*w.Kernel[1]+kw))
				}
			}
			p.runs = append(p.runs, run)
		}
	}
	return p
}

// span returns which taps of a window, [from, to), lie inside n inputs, where the
// first is at start and the others follow dilation apart.
func span(start, dilation, taps, n int) (from, to int) {
	return max(0, (dilation-1-start)/dilation), max(0, min(taps, (n-start+dilation-1)/dilation))
}

// Forward computes y, the maxima of x; of equal ones the first counts, and NaN
// wins over all. Those of codes are codes.
func (p *MaxPool) Forward(y, x Values, batch int) {
	p.y, p.x = y, x
	p.pool.Run(p, batch)
	p.y, p.x = Values{}, Values{}
}

// Backward computes dx from dy: each element of dy goes where the last Forward
// found the maximum, overlapping windows adding up.
func (p *MaxPool) Backward(dx, dy []float32, batch int) {
	p.dx, p.dy = dx, dy
	p.pool.Run(&p.backward, batch)
	p.dx, p.dy = nil, nil
}

// Tile pools one image.
func (p *MaxPool) Tile(n, worker int) {
	w, c := p.w, p.w.C
	taps := p.taps[n*w.OutSize():][:w.OutSize()]
	if p.x.Codes != nil {
		p.codes(p.y.Codes[n*w.OutSize():][:w.OutSize()], taps, p.x.Codes[n*w.InSize():][:w.InSize()], p.pool.local[worker])
		return
	}
	x := p.x.Real[n*w.InSize():][:w.InSize()]
	y := p.y.Real[n*w.OutSize():][:w.OutSize()]
	for i := range p.runs {
		r := &p.runs[i]
		size := r.pixels * c
		r.take(y[r.out:][:size], taps[r.out:][:size], x[r.in:], c, w.Stride[1]*c)
	}
}

// codes pools one image of codes, which are in the order of what they stand for: the rows of
// a window become real numbers in buf, and their maxima codes again.
func (p *MaxPool) codes(y, taps, x []uint8, buf []float32) {
	line := p.w.InW * p.w.C
	rows, out := buf[:p.w.Kernel[0]*line], buf[p.w.Kernel[0]*line:]
	from := -1
	for i := range p.runs {
		r := &p.runs[i]
		if first := r.in / line * line; first != from {
			from = first
			ReadCodes(rows[:min(len(rows), len(x)-from)], x[from:], 0, 1)
		}
		size := r.pixels * p.w.C
		r.take(out[:size], taps[r.out:][:size], rows[r.in-from:], p.w.C, p.w.Stride[1]*p.w.C)
		NarrowCodes(y[r.out:][:size], out[:size], 1, 0)
	}
}

// take computes the maxima y, and their taps, of pixels of c channels whose
// windows are step elements apart in x.
func (r *maxRun) take(y []float32, taps []uint8, x []float32, c, step int) {
	from := 0
	if tier > Portable {
		from = r.vectorTake(y, taps, x, c, step)
	}
	if from == c {
		return
	}
	for i := range r.pixels {
		for ch := from; ch < c; ch++ {
			in := x[i*step+ch:]
			best, tap := in[0], r.taps[0]
			for k, at := range r.at {
				if v := in[at]; !(v <= best) && best == best {
					best, tap = v, r.taps[k]
				}
			}
			y[i*c+ch], taps[i*c+ch] = best, uint8(tap)
		}
	}
}

// Tile scatters the gradient of one image.
func (t *maxPoolBackward) Tile(n, _ int) {
	w, c := t.w, t.w.C
	dx := t.dx[n*w.InSize():][:w.InSize()]
	dy := t.dy[n*w.OutSize():][:w.OutSize()]
	taps := t.taps[n*w.OutSize():][:w.OutSize()]
	clear(dx)
	for i := range t.runs {
		r := &t.runs[i]
		size := r.pixels * c
		r.give(dx[r.in:], dy[r.out:][:size], taps[r.out:][:size], c, w.Stride[1]*c)
	}
}

// give adds the elements of dy to dx, at the places take found.
func (r *maxRun) give(dx, dy []float32, taps []uint8, c, step int) {
	from := 0
	if tier > Portable {
		from = r.vectorGive(dx, dy, taps, c, step)
	}
	if from == c {
		return
	}
	for i := range r.pixels {
		for ch := from; ch < c; ch++ {
			tap := int32(taps[i*c+ch])
			for k, at := range r.at {
				if r.taps[k] == tap {
					dx[i*step+int(at)+ch] += dy[i*c+ch]
				}
			}
		}
	}
}
