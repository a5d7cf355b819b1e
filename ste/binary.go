// SPDX-License-Identifier: Apache-2.0

package ste

import "math"

// XNOR replaces the weights of a filter by their signs times their mean magnitude
// (Rastegari et al. 2016, equations 4 to 6). With n weights,
//
//	α   = Σ|wⱼ|/n
//	y   = α·sign(w)
//	dwᵢ = sign(wᵢ)/n·Σⱼ dyⱼ·sign(wⱼ) + α·dyᵢ where |wᵢ| < 1, else the first term
//
// The first term is the gradient through α, for which every weight of the filter
// counts; the paper's printed formula takes dyᵢ/n in its place.
type XNOR struct{ Scale float32 } // α

// Fit finds the scale of the weights w.
func (x *XNOR) Fit(w []float32) { x.Scale = float32(sumAbs(w) / float64(len(w))) }

// Backward writes the gradient by the weights w, to which it was fitted, to dw, which may be dy.
func (x *XNOR) Backward(dw, w, dy []float32) {
	var through float64
	for i, v := range w {
		through += float64(dy[i] * SignOf(v))
	}
	mean := float32(through / float64(len(w)))
	for i, v := range w {
		g := SignOf(v) * mean
		if v > -1 && v < 1 {
			g += float32(x.Scale * dy[i])
		}
		dw[i] = g
	}
}

// sumAbs returns Σ|w|.
func sumAbs(w []float32) float64 {
	var sum float64
	for _, v := range w {
		sum += math.Abs(float64(v))
	}
	return sum
}

// maxAbs returns max|w|.
func maxAbs(w []float32) float32 {
	var most float32
	for _, v := range w {
		most = max(most, v, -v)
	}
	return most
}
