// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"math"

	"github.com/goqat/goqat/internal/kernel"
	"github.com/goqat/goqat/network"
)

// Where the gradient of an epilogue passes or is stopped by limits of its values alone, as with most
// quantizers and without any, its backward pass is two passes over the tensors, each of one kernel and, of
// the second, what normalizes: the first takes the sums and writes nothing, the second writes what the first
// has only summed. Bits are those of backwardBlocks and centerBlocks.
type (
	gateBlocks epilogue // sums of the gradients that pass
	passBlocks epilogue // the gradients
)

// gates says whether the backward pass of the run is of this kind, and finds the limits.
func (e *epilogue) gates() bool {
	active := e.activeBackward()
	infinity := float32(math.Inf(1))
	e.limits = kernel.Limits{Least: -infinity, Most: infinity}
	q, ok := e.Quantizer.(Gated)
	switch {
	case len(e.terms) > 2 || e.channels%kernel.EncodedChannels != 0 || e.byImage != nil:
		return false
	case !e.quantizing && active == network.Identity:
		return false // where those of NaN pass, too
	case e.quantizing && (!ok || e.learned > 0 && active != network.Identity):
		return false
	case e.quantizing:
		if e.limits, ok = q.Gate(); !ok {
			return false
		}
	}
	l := &e.limits
	switch active {
	case network.ReLU:
		l.Least, l.Most = max(l.Least, math.SmallestNonzeroFloat32), min(l.Most, math.MaxFloat32)
	case network.ReLU6:
		l.Least, l.Most = max(l.Least, math.SmallestNonzeroFloat32), min(l.Most, math.Nextafter32(6, 0))
	}
	return true
}

// gate returns the gate of a block for term k, the input of that, and the other term.
func (e *epilogue) gate(k, worker, lo, hi int) (g kernel.Gate, x, add []float32) {
	s := &e.terms[k]
	x, add = e.apart(k, worker, lo, hi)
	return kernel.Gate{Scale: s.scale, Shift: s.shift, Limits: e.limits}, x, add
}

func (t *gateBlocks) Tile(i, worker int) {
	e := (*epilogue)(t)
	lo, hi := e.block(i)
	for k := range e.terms {
		s := &e.terms[k]
		if !s.affine() {
			continue
		}
		g, x, add := e.gate(k, worker, lo, hi)
		sum, dot := s.sums(i, e.channels)
		g.Sums(sum, dot, x, add, e.dy[lo:hi])
	}
}

func (t *passBlocks) Tile(i, worker int) {
	e := (*epilogue)(t)
	lo, hi := e.block(i)
	d, home := e.scratch(worker, 3, hi-lo), e.home()
	if home >= 0 {
		d = e.dx[home][lo:hi]
	}
	g, x, add := e.gate(0, worker, lo, hi)
	if e.quantizing && e.learned > 0 {
		e.Quantizer.(Gated).Spill(g.StoreSpills(d, x, add, e.dy[lo:hi]), e.grad[i*e.learned:(i+1)*e.learned])
	} else {
		g.Store(d, x, add, e.dy[lo:hi])
	}
	for k := len(e.terms) - 1; k >= 0; k-- { // the home of the gradient may be the first that is normalized, and changes last
		s := &e.terms[k]
		switch dx := e.dx[s.x]; {
		case dx == nil:
		case s.norm != nil:
			kernel.Combine(dx[lo:hi], d, s.input(e.scratch(worker, 0, hi-lo), lo, hi), s.gy, s.gx, s.center)
		case s.x != home:
			copy(dx[lo:hi], d)
		}
	}
}

// backwardGated is Backward where the epilogue gates.
func (e *epilogue) backwardGated(blocks int) {
	affine := false
	for i := range e.terms {
		affine = affine || e.terms[i].affine()
	}
	if affine {
		e.pool.Run((*gateBlocks)(e), blocks)
	}
	for i := range e.terms {
		if s := &e.terms[i]; s.affine() {
			total(s.sum, blocks, e.channels)
			total(s.sumX, blocks, e.channels)
			e.parameterGradients(s)
		}
	}
	e.pool.Run((*passBlocks)(e), blocks)
	total(e.grad, blocks, e.learned)
	e.learnedGradients()
}
