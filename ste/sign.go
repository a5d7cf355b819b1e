// SPDX-License-Identifier: Apache-2.0

package ste

import "math"

// The bits of a float32: its sign, and the number 1.
const (
	topBit  = 1 << 31
	oneBits = 0x3f800000
)

// SignOf returns −1 or +1; the sign of 0 is +1. It has no branch, because the processor
// would guess a branch wrongly for every second weight.
func SignOf(x float32) float32 {
	return math.Float32frombits(math.Float32bits(x+0)&topBit | oneBits) // −0 + 0 = 0
}

// Sign replaces values by their signs; the gradient is the gradient of a clip at ±1
// (Hubara et al. 2016, equation 4):
//
//	y  = sign(x), sign(0) = +1
//	dx = dy where |x| ≤ 1, else 0
//
// Open leaves out the limits themselves: dy where |x| < 1 (Rastegari et al. 2016,
// section 3.1, as their code has it).
type Sign struct{ Open bool }

// Forward writes the signs of src to dst, which may be src.
func (s Sign) Forward(dst, src []float32) {
	for i, x := range src {
		dst[i] = SignOf(x)
	}
}

// Backward writes the gradient by src to dx, which may be dy.
func (s Sign) Backward(dx, src, dy []float32) {
	limit := int32(oneBits)
	if !s.Open {
		limit++
	}
	for i, x := range src {
		magnitude := int32(math.Float32bits(x) &^ topBit) // in the order of |x|
		inside := uint32((magnitude - limit) >> 31)       // all ones or none
		dx[i] = math.Float32frombits(math.Float32bits(dy[i]) & inside)
	}
}
