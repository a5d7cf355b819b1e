// SPDX-License-Identifier: Apache-2.0

package ste

import (
	"math"

	"github.com/goqat/goqat/internal/kernel"
	"github.com/goqat/goqat/quant"
)

// DoReFa quantizes all weights of a layer to 2^k levels, k ≥ 2, without a zero
// (Zhou et al. 2016, section 2.3). With n = 2^k − 1, m = max|tanh w| and the
// amplitude a, which is 1 in the paper,
//
//	q  = RNE(n·(tanh(w)/m/2 + 1/2))
//	y  = a·(2q − n)/n
//	dw = dy·a·(1 − tanh² w)/m
//
// The gradient takes m for a constant: through the maximum it would vanish for
// the greatest weight, whose level cannot move. Where all weights are 0, so are
// tanh(w)/m and the gradient.
//
// Measure takes in the weights of the layer. Squeeze and what uses its result are
// for parts of them, at an index, which may be done on several threads.
type DoReFa struct {
	Bits int

	tanh []float32 // of the weights last squeezed
	most float32   // m
}

// Levels returns n: the levels are the odd multiples of a/n up to ±a.
func (d *DoReFa) Levels() float32 { return float32(quant.Activation(d.Bits).Max()) }

// Measure finds and returns m for the weights of a layer.
func (d *DoReFa) Measure(w []float32) (most float32) {
	if len(d.tanh) != len(w) {
		d.tanh = make([]float32, len(w))
	}
	lo, hi := kernel.MinMax(w)
	d.most = float32(math.Tanh(float64(max(-lo, hi))))
	return d.most
}

// Squeeze writes the codes 2q − n of the weights w, which are at the given index of those
// measured, times a scale.
func (d *DoReFa) Squeeze(dst, w []float32, at int, scale float32) {
	tanh := d.tanh[at : at+len(w)]
	kernel.Tanh(tanh, w)
	most := d.most
	if !(most > 0) { // all tangents are 0, and so is their part of any other number
		most = 1
	}
	kernel.OddLevels(dst, tanh, most, d.Levels(), scale)
}

// position returns where a hyperbolic tangent is among the levels, from 0 to n, before it is
// rounded.
func (d *DoReFa) position(t float32) float32 {
	u := float32(0)
	if d.most > 0 {
		u = t / d.most
	}
	return d.Levels() * float32(float32(u*0.5)+0.5)
}

// Backward writes the gradient by the weights last squeezed there to dw, which
// may be dy.
func (d *DoReFa) Backward(dw, dy []float32, at int, amplitude float32) {
	gain := float32(0)
	if d.most > 0 {
		gain = amplitude / d.most
	}
	kernel.TanhBackward(dw[:len(dy)], d.tanh[at:at+len(dy)], dy, gain)
}
