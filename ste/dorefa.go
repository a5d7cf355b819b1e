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

// Squeeze calls f with the code 2q − n of each of the weights w, which are at the
// given index of those measured.
func (d *DoReFa) Squeeze(w []float32, at int, f func(i int, code float32)) {
	n, tanh := d.Levels(), d.tanh[at:at+len(w)]
	squash(tanh, w)
	for i, t := range tanh {
		f(i, 2*quant.RoundEven32(d.position(t))-n)
	}
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

// squash writes the hyperbolic tangents of w to dst, as math.Tanh has them. Most
// weights are in the middle, where it is a quotient of polynomials (Cephes, tanh).
func squash(dst, w []float32) {
	for i, v := range w {
		x := float64(v)
		if !(x > -0.625 && x < 0.625) {
			dst[i] = float32(math.Tanh(x))
			continue
		}
		s := float64(x * x)
		p := float64((float64((float64(-9.64399179425052238628e-1*s)-9.92877231001918586564e1)*s) - 1.61468768441708447952e3))
		q := float64((float64((float64((s+1.12811678491632931402e2)*s)+2.23548839060100448583e3)*s) + 4.84406305325125486048e3))
		dst[i] = float32(x + float64(float64(x*s)*p)/q)
	}
}

// Backward writes the gradient by the weights last squeezed there to dw, which
// may be dy.
func (d *DoReFa) Backward(dw, dy []float32, at int, amplitude float32) {
	gain := float32(0)
	if d.most > 0 {
		gain = amplitude / d.most
	}
	for i, t := range d.tanh[at : at+len(dy)] {
		dw[i] = dy[i] * gain * (1 - t*t)
	}
}
