// SPDX-License-Identifier: Apache-2.0

package ste

import (
	"github.com/goqat/goqat/internal/kernel"
	"github.com/goqat/goqat/quant"
)

// Online fake-quantizes each image by the range of its own values (docs/numerics.md,
// 3.16):
//
//	s  = max(max x/(2^k − 1 − z), −min x/z)
//	y  = s·(clamp(RNE(x/s) + z, 0, 2^k − 1) − z)
//	dx = dy
//
// The zero point z is that of all images: 0, or in the middle of the codes if Signed.
// No value is out of range, so no gradient is 0; that through s is left out.
type Online struct {
	Bits   int
	Signed bool
}

// ZeroPoint returns z.
func (o Online) ZeroPoint() int32 {
	if o.Signed {
		return 1 << (o.Bits - 1)
	}
	return 0
}

// leastStep is the smallest normal float32; an image of smaller steps becomes 0.
const leastStep = 0x1p-126

// ForwardImage writes the fake-quantized values of an image, src, to dst, which may be
// src.
func (o Online) ForwardImage(dst, src []float32) {
	z := float32(o.ZeroPoint())
	above := float32(quant.Activation(o.Bits).Max()) - z
	lo, hi := kernel.MinMax(src)
	step := hi / above
	if o.Signed {
		step = max(step, -lo/z)
	}
	if !(step >= leastStep) {
		clear(dst)
		return
	}
	kernel.FakeQuantize(dst, src, step, -z, above)
}

// Backward writes the gradient by src to dx, which may be dy: dy itself.
func (o Online) Backward(dx, dy []float32) { copy(dx, dy) }
