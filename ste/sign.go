// SPDX-License-Identifier: Apache-2.0

package ste

// SignOf returns −1 or +1, that of 0 being +1.
func SignOf(x float32) float32 {
	if x < 0 {
		return -1
	}
	return 1
}

// Sign replaces values by their signs; the gradient is that of a clip at ±1
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
	for i, x := range src {
		if x > -1 && x < 1 || !s.Open && (x == 1 || x == -1) {
			dx[i] = dy[i]
		} else {
			dx[i] = 0
		}
	}
}
