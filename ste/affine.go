// SPDX-License-Identifier: Apache-2.0

package ste

import (
	"github.com/goqat/goqat/internal/kernel"
	"github.com/goqat/goqat/quant"
)

// Affine fake-quantizes with a scale and a zero point per tensor or per channel
// (Jacob et al. 2018, equation 1; Krishnamoorthi 2018, section 2):
//
//	y  = s·(clamp(RNE(x/s) + z, Min, Max) − z)
//	dx = dy where Min ≤ RNE(x/s) + z ≤ Max, else 0
//
// The gradient is masked by the code before it is clamped, so that a value up to half
// a step outside the range still learns.
type Affine struct {
	Format quant.Format
	// Params has one element for the whole tensor, or one for each channel, in
	// which case the tensor is [len(Params), …].
	Params []quant.Params
}

// Forward writes the fake-quantized values of src to dst, which may be src.
func (a *Affine) Forward(dst, src []float32) {
	a.each(len(src), func(lo, hi int, p quant.Params, least, most float32) {
		kernel.FakeQuantize(dst[lo:hi], src[lo:hi], p.Scale, least, most)
	})
}

// Backward writes the gradient by src to dx, which may be dy.
func (a *Affine) Backward(dx, src, dy []float32) {
	a.each(len(src), func(lo, hi int, p quant.Params, least, most float32) {
		kernel.FakeQuantizeBackward(dx[lo:hi], src[lo:hi], dy[lo:hi], p.Scale, least, most)
	})
}

// Gate returns the limits of the values whose gradients Backward lets pass, of a tensor with one scale.
func (a *Affine) Gate() (l kernel.Limits) {
	p := a.Params[0]
	l.Least, l.Most = kernel.Passes(p.Scale, float32(a.Format.Min()-p.ZeroPoint), float32(a.Format.Max()-p.ZeroPoint))
	return l
}

// Codes writes the codes of src, less their zero points, to dst.
func (a *Affine) Codes(dst []int16, src []float32) {
	a.each(len(src), func(lo, hi int, p quant.Params, least, most float32) {
		encode(dst[lo:hi], src[lo:hi], p.Scale, least, most)
	})
}

// encode writes clamp(RNE(src/scale), least, most), the codes that
// kernel.FakeQuantize stands for, to dst. src holds no NaN.
func encode(dst []int16, src []float32, scale, least, most float32) {
	for i, x := range src {
		dst[i] = int16(min(max(quant.RoundEven32(x/scale), least), most))
	}
}

// StepSizes appends the scales to steps, and returns the greatest magnitude of the codes less
// their zero point, which is 0, as [Stepped] has them.
func (a *Affine) StepSizes(steps []float32) (all []float32, most int) {
	for i := range a.Params {
		steps = append(steps, a.Params[i].Scale)
	}
	return steps, int(a.Format.Max())
}

// Channel returns a for the part of the tensor that has the parameters c.
func (a *Affine) Channel(c int) Affine { return Affine{a.Format, a.Params[c : c+1]} }

// each calls f for the part of the tensor that shares parameters, with the
// range of its codes relative to the zero point.
func (a *Affine) each(n int, f func(lo, hi int, p quant.Params, least, most float32)) {
	size := n / len(a.Params)
	for c, p := range a.Params {
		f(c*size, (c+1)*size, p, float32(a.Format.Min()-p.ZeroPoint), float32(a.Format.Max()-p.ZeroPoint))
	}
}
