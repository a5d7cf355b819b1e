// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"github.com/goqat/goqat/internal/kernel"
	"github.com/goqat/goqat/network"
)

// The passes of an epilogue over its blocks, each a kernel.Task.
type (
	momentBlocks   epilogue // sums x − m and its square; m is the running mean, near enough for the variance not to cancel
	forwardBlocks  epilogue // all of it
	backwardBlocks epilogue // gradients of the sum of the terms and, partly, of the parameters
	centerBlocks   epilogue // the gradient through the statistics of a batch normalization
)

func (t *momentBlocks) Tile(i, worker int) {
	(*epilogue)(t).moments(t.current, i, worker)
}

// moments takes those of block i of a term.
func (e *epilogue) moments(s *term, i, worker int) {
	lo, hi := e.block(i)
	sum, square := s.sums(i, e.channels)
	kernel.ChannelMoments(sum, square, s.input(e.scratch(worker, 0, hi-lo), lo, hi), s.norm.Mean)
}

func (t *forwardBlocks) Tile(i, worker int) {
	e := (*epilogue)(t)
	lo, hi := e.block(i)
	if e.encoding.Step != 0 {
		e.encodeBlock(i, worker, lo, hi)
		return
	}
	y := e.scratch(worker, 1, hi-lo)
	if e.out.Codes == nil {
		y = e.y[lo:hi]
	}
	e.sum(y, e.scratch(worker, 0, hi-lo), lo, hi)
	if e.Replaced {
		e.note(i, y)
	}
	e.activate(y, y)
	if !e.Replaced {
		e.note(i, y)
	}
	if e.quantizing && e.byImage == nil {
		if e.values != nil {
			copy(e.values[lo:hi], y)
		}
		e.Quantizer.Forward(y, y)
	}
	if e.out.Codes != nil && !kernel.NarrowCodes(e.out.Codes[lo:hi], y, 1/e.out.Step, e.out.Zero) {
		e.spoiled.Store(true)
	}
}

// encodeBlock is the forward pass of block i where it is an encoding.
func (e *epilogue) encodeBlock(i, worker, lo, hi int) {
	x, add := e.apart(0, worker, lo, hi)
	least, most, numbers := e.encoding.Store(e.out.Codes[lo:hi], x, add)
	if !numbers {
		e.spoiled.Store(true)
	}
	if e.observing() {
		e.stats[i].reset()
		e.stats[i].Min, e.stats[i].Max = least, most
	}
}

// apart returns the input of term k of a block, and the other term, nil if there is none. They may be in
// the first three blocks of scratch.
func (e *epilogue) apart(k, worker, lo, hi int) (x, add []float32) {
	x = e.terms[k].input(e.scratch(worker, 0, hi-lo), lo, hi)
	if len(e.terms) == 1 {
		return x, nil
	}
	s := &e.terms[1-k]
	add = s.input(e.scratch(worker, 1, hi-lo), lo, hi)
	if s.affine() {
		sum := e.scratch(worker, 2, hi-lo)
		kernel.ScaleShift(sum, add, s.scale, s.shift)
		add = sum
	}
	return x, add
}

// note takes the statistics of block i.
func (e *epilogue) note(i int, y []float32) {
	if !e.observing() {
		return
	}
	s := &e.stats[i]
	s.reset()
	s.Min, s.Max = kernel.MinMax(y)
	if e.run.Calibrate {
		s.moments(y)
	}
}

func (t *backwardBlocks) Tile(i, worker int) {
	e := (*epilogue)(t)
	lo, hi := e.block(i)
	n := hi - lo
	in, sum, act, d := e.scratch(worker, 0, n), e.scratch(worker, 1, n), e.scratch(worker, 2, n), e.scratch(worker, 3, n)
	home := e.home()
	if home >= 0 {
		d = e.dx[home][lo:hi]
	}
	dy := e.dy[lo:hi]

	if e.quantizing || e.active != network.Identity {
		e.sum(sum, in, lo, hi)
	}
	active := e.activeBackward()
	if e.quantizing {
		h := sum
		if active != network.Identity {
			e.activate(act, sum)
			h = act
		}
		e.Quantizer.Backward(d, h, dy, e.grad[i*e.learned:(i+1)*e.learned])
		dy = d
	}
	switch active {
	case network.ReLU:
		kernel.ReLUBackward(d, sum, dy)
		dy = d
	case network.ReLU6:
		kernel.ReLUClampBackward(d, sum, dy, 6)
		dy = d
	}
	for k := range e.terms {
		s := &e.terms[k]
		if s.affine() {
			sum, dot := s.sums(i, e.channels)
			kernel.ChannelDots(sum, dot, dy, s.input(in, lo, hi))
		}
		if dx := e.dx[s.x]; dx != nil && (s.x != home && s.norm == nil || s.x == home && &dy[0] != &d[0]) {
			copy(dx[lo:hi], dy)
		}
	}
}

// activeBackward returns the activation that has a part in the backward pass.
func (e *epilogue) activeBackward() network.Activation {
	if r, ok := e.Quantizer.(Rectifier); ok && e.quantizing && e.active == network.ReLU && r.Rectifies() {
		return network.Identity
	}
	return e.active
}

// home returns the input in whose gradient's memory that of the sum of the terms is computed: of the
// terms that want a gradient the first which is not normalized, for which it is the
// gradient itself, else the first; -1 if there is none.
func (e *epilogue) home() int {
	home := -1
	for _, s := range e.terms {
		if e.dx[s.x] == nil {
			continue
		}
		if s.norm == nil {
			return s.x
		}
		if home < 0 {
			home = s.x
		}
	}
	return home
}

// sums returns the emptied sums of block i.
func (s *term) sums(i, channels int) (sum, sumX []float64) {
	sum, sumX = s.sum[i*channels:(i+1)*channels], s.sumX[i*channels:(i+1)*channels]
	clear(sum)
	clear(sumX)
	return sum, sumX
}

func (t *centerBlocks) Tile(i, worker int) {
	e, s := (*epilogue)(t), t.current
	lo, hi := e.block(i)
	d := e.dx[e.home()][lo:hi]
	kernel.Combine(e.dx[s.x][lo:hi], d, s.input(e.scratch(worker, 0, hi-lo), lo, hi), s.gy, s.gx, s.center)
}

func (e *epilogue) Backward(r *Run, dx [][]float32, dy []float32, x [][]float32) error {
	blocks := e.start(r, x)
	e.dx, e.dy = dx, dy
	clear(e.grad)
	if e.gates() {
		e.backwardGated(blocks)
		return nil
	}
	e.pool.Run((*backwardBlocks)(e), blocks)
	for i := len(e.terms) - 1; i >= 0; i-- { // the home of the gradient may be the first that is normalized, and changes last
		s := &e.terms[i]
		if !s.affine() {
			continue
		}
		total(s.sum, blocks, e.channels)
		total(s.sumX, blocks, e.channels)
		e.parameterGradients(s)
		if s.norm != nil && dx[s.x] != nil {
			e.current = s
			e.pool.Run((*centerBlocks)(e), blocks)
		}
	}
	total(e.grad, blocks, e.learned)
	e.learnedGradients()
	return nil
}

// parameterGradients turns the totals of dy and dy·x into the gradients of
// gamma and beta, or of the bias, and prepares the second pass.
func (e *epilogue) parameterGradients(s *term) {
	if s.norm == nil {
		if db := e.dx[s.bias]; db != nil {
			for c := range db {
				db[c] = float32(s.sum[c])
			}
		}
		return
	}
	gamma := e.x[s.gamma]
	dgamma, dbeta := e.dx[s.gamma], e.dx[s.beta]
	count := float64(e.n)
	for c := range gamma {
		sum := s.sum[c]
		sumHat := (s.sumX[c] - float64(s.mean[c]*sum)) * s.rstd[c] // Σ dy·x̂
		dgamma[c], dbeta[c] = float32(sumHat*s.ratio[c]), float32(sum)
		g := float64(gamma[c]) * s.rstd[c] * s.ratio[c]
		s.gy[c] = float32(g)
		s.gx[c], s.center[c] = 0, 0
		if !e.fixed(s) { // the statistics depend on x
			k := g * s.rstd[c] * sumHat / count
			s.gx[c] = float32(-k)
			s.center[c] = float32(float64(k*s.mean[c]) - float64(g*sum/count))
		}
	}
}

// learnedGradients hands the totalled gradients to the quantizer's parameters.
func (e *epilogue) learnedGradients() {
	at := 0
	for _, d := range e.dx[e.firstLearned:] {
		for i := range d {
			d[i] = float32(e.grad[at])
			at++
		}
	}
}
