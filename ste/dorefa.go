// SPDX-License-Identifier: Apache-2.0

package ste

import (
	"math"

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
type DoReFa struct {
	Bits int

	tanh []float32 // of the weights last seen
	most float32   // m
}

// Levels returns n: the levels are the odd multiples of a/n up to ±a.
func (d *DoReFa) Levels() float32 { return float32(quant.Activation(d.Bits).Max()) }

// Squeeze takes in the weights for the calls that follow, and returns m.
func (d *DoReFa) Squeeze(w []float32) (most float32) {
	if len(d.tanh) != len(w) {
		d.tanh = make([]float32, len(w))
	}
	d.most = 0
	for i, v := range w {
		t := float32(math.Tanh(float64(v)))
		d.tanh[i] = t
		d.most = max(d.most, t, -t)
	}
	return d.most
}

// Code returns 2q − n of weight i.
func (d *DoReFa) Code(i int) float32 {
	n, u := d.Levels(), float32(0)
	if d.most > 0 {
		u = d.tanh[i] / d.most
	}
	return 2*quant.RoundEven32(n*float32(float32(u*0.5)+0.5)) - n
}

// Backward writes the gradient by the weights to dw, which may be dy.
func (d *DoReFa) Backward(dw, dy []float32, amplitude float32) {
	gain := float32(0)
	if d.most > 0 {
		gain = amplitude / d.most
	}
	for i, t := range d.tanh {
		dw[i] = dy[i] * gain * (1 - t*t)
	}
}
