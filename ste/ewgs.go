// SPDX-License-Identifier: Apache-2.0

package ste

import (
	"math"

	"github.com/goqat/goqat/internal/kernel"
	"github.com/goqat/goqat/quant"
)

// EWGS scales, element by element, the gradient that passes straight through a rounding (Lee,
// Kim, Ham 2021, arXiv:2104.00903). In units of the step s, with u = x/s,
//
//	dx ← dx·(1 + δ·sign(dx)·(u − RNE(u)))
//
// so that a value which is to move on to the next code moves faster the nearer it is to it, and one
// that is to come back to its own code moves more slowly. |u − RNE(u)| is at most 1/2: with 0 ≤ δ ≤ 2
// no gradient changes its sign. The paper measures x in units of the whole range; its δ is that
// of here times the number of steps in the range.
//
// The gradient by a learned step stays that of its method. By the chain rule it would get −δ·Σ|dy|·(u − RNE(u))·u
// beside it, whose sign does not follow that of dy: a drift, not a slope of the loss.
type EWGS struct {
	Delta float32 // δ, 0 for none
}

// Scale scales the gradients dx of the values src, which were rounded to multiples of step. Gradients
// that are 0, as beyond the range, stay so.
func (e EWGS) Scale(dx, src []float32, step float32) {
	if e.Delta == 0 {
		return
	}
	var rounded [1 << 9]float32
	per := e.Delta / step
	for len(src) > 0 {
		n := min(len(src), len(rounded))
		kernel.FakeQuantize(rounded[:n], src[:n], step, -mostSteps, mostSteps)
		for i, q := range rounded[:n] {
			dx[i] = grown(dx[i], float32(per*(src[i]-q)))
		}
		dx, src = dx[n:], src[n:]
	}
}

// mostSteps is beyond the codes of all widths.
const mostSteps = 1 << 16

// ScaleAffine is Scale for values with the scales of a.
func (e EWGS) ScaleAffine(dx, src []float32, a *Affine) {
	a.each(len(src), func(lo, hi int, p quant.Params, _, _ float32) { e.Scale(dx[lo:hi], src[lo:hi], p.Scale) })
}

// ScaleDoReFa is Scale for the weights last squeezed there by d, whose levels are a step apart.
func (e EWGS) ScaleDoReFa(dw []float32, d *DoReFa, at int) {
	if e.Delta == 0 || !(d.most > 0) {
		return
	}
	for i, t := range d.tanh[at : at+len(dw)] {
		u := d.position(t)
		dw[i] = grown(dw[i], e.Delta*(u-quant.RoundEven32(u)))
	}
}

// grown returns d·(1 + sign(d)·by), which is d + |d|·by.
func grown(d, by float32) float32 {
	return d + float32(math.Float32frombits(math.Float32bits(d)&^(1<<31))*by)
}
