// SPDX-License-Identifier: Apache-2.0

package ste

import (
	"math"

	"github.com/goqat/goqat/internal/kernel"
	"github.com/goqat/goqat/quant"
)

// PACT clips activations at a learned α > 0 and quantizes what remains to 2^k
// levels (Choi et al. 2018, equations 1 to 3):
//
//	y  = s·RNE(clip(x, 0, α)/s)   s = α/(2^k − 1)
//	dx = dy where 0 < x < α, else 0
//	dα = Σ dy where x ≥ α
//
// Signed clips at −α as well (MQBench's extension to tensors that are not
// rectified), with 2^k − 1 levels and s = α/(2^(k−1) − 1), and
// dα = Σ dy·sign(x) where |x| ≥ α.
//
// PowerOfTwo takes the power of two nearest to s, and clips at what that gives.
type PACT struct {
	Bits       int
	Signed     bool
	PowerOfTwo bool

	alpha  float32
	params quant.Params
	least  float32 // of the codes less the zero point
	most   float32
}

// SetAlpha sets the clip of the next Forward and Backward.
func (p *PACT) SetAlpha(alpha float32) {
	p.alpha = alpha
	p.least, p.most = 0, float32(quant.Activation(p.Bits).Max())
	if p.Signed {
		p.most = float32(quant.Weight(p.Bits).Max())
		p.least = -p.most
	}
	p.params = quant.Params{Scale: alpha / p.most, ZeroPoint: int32(-p.least)}
	if p.PowerOfTwo {
		p.params.Scale = float32(quant.PowerOfTwo(float64(p.params.Scale)))
		p.alpha = p.params.Scale * p.most
	}
}

// Quantization returns scale, zero point and range of the codes for the clip in
// use.
func (p *PACT) Quantization() (params quant.Params, lo, hi int32) {
	z := p.params.ZeroPoint
	return p.params, z + int32(p.least), z + int32(p.most)
}

// Forward writes the clipped and quantized values of src to dst, which may be
// src.
func (p *PACT) Forward(dst, src []float32) {
	kernel.FakeQuantize(dst, src, p.params.Scale, p.least, p.most)
}

// Backward writes the gradient by src to dx, which may be dy, and returns the
// gradient by α.
func (p *PACT) Backward(dx, src, dy []float32) (dalpha float64) {
	below, above := kernel.ClipBackward(dx, src, dy, p.floor(), p.alpha)
	return p.Spill(kernel.Spills{Below: below, Above: above})
}

// floor returns the lower limit.
func (p *PACT) floor() float32 {
	if p.Signed {
		return -p.alpha
	}
	return 0
}

// Gate returns the limits of the values whose gradients Backward lets pass.
func (p *PACT) Gate() kernel.Limits {
	infinity := float32(math.Inf(1))
	return kernel.Limits{Least: math.Nextafter32(p.floor(), infinity), Most: math.Nextafter32(p.alpha, -infinity)}
}

// Spill returns the gradient by α, of the sums of the gradients that Backward stops below and above.
func (p *PACT) Spill(s kernel.Spills) (dalpha float64) {
	if p.Signed {
		return s.Above - s.Below
	}
	return s.Above
}
