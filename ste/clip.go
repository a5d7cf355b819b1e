// SPDX-License-Identifier: Apache-2.0

package ste

import (
	"math"

	"github.com/goqat/goqat/internal/kernel"
)

// Clip clips at a fixed limit and quantizes what remains, as DoReFa does with
// activations (Zhou et al. 2016, section 2.4) and WRPN with activations and
// weights (Mishra et al. 2018):
//
//	y  = s·RNE(clip(x, s·Least, s·Most)/s)
//	dx = dy where s·Least ≤ x ≤ s·Most, else 0
//
// With s = 1/(2^k − 1), Least = 0 and Most = 2^k − 1 the limits are 0 and 1.
// Unlike the gradient of [Affine], this one ends at the limits themselves.
type Clip struct {
	Scale       float32
	Least, Most float32 // codes, integers
}

// Forward writes the clipped and quantized values of src to dst, which may be
// src.
func (c *Clip) Forward(dst, src []float32) {
	kernel.FakeQuantize(dst, src, c.Scale, c.Least, c.Most)
}

// Backward writes the gradient by src to dx, which may be dy.
func (c *Clip) Backward(dx, src, dy []float32) {
	lo, hi := c.Scale*c.Least, c.Scale*c.Most
	infinity := float32(math.Inf(1))
	kernel.ClipBackward(dx, src, dy, math.Nextafter32(lo, -infinity), math.Nextafter32(hi, infinity)) // which leaves its limits out
}

// Gate returns the limits of the values whose gradients Backward lets pass.
func (c *Clip) Gate() kernel.Limits {
	return kernel.Limits{Least: c.Scale * c.Least, Most: c.Scale * c.Most}
}

// Codes writes the codes of src to dst.
func (c *Clip) Codes(dst []int16, src []float32) {
	encode(dst, src, c.Scale, c.Least, c.Most)
}
