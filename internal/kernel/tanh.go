// SPDX-License-Identifier: Apache-2.0

package kernel

import "math"

const (
	tanhBlock  = 1 << 10 // values that Tanh looks through together
	tanhMiddle = 0.625   // the magnitude below which the tangent is a quotient of polynomials
)

// Tanh stores the hyperbolic tangents of src, to the bits of math.Tanh rounded to float32. In
// the middle, where most weights are, it is a quotient of polynomials (Cephes, tanh). dst may
// be src.
func Tanh(dst, src []float32) {
	src = src[:len(dst)]
	for i := 0; i < len(dst); i += tanhBlock {
		end := min(len(dst), i+tanhBlock)
		n, middle := 0, true
		if tier > Portable {
			n, middle = vectorTanh(dst[i:end], src[i:end])
		}
		if !middle {
			tanhOutside(dst[i : i+n])
		}
		for j, v := range src[i+n : end] {
			dst[i+n+j] = tanh(v)
		}
	}
}

// tanhOutside replaces values outside the middle by their tangents, among tangents of others.
func tanhOutside(x []float32) {
	for i, v := range x {
		if !(v > -tanhMiddle && v < tanhMiddle) {
			x[i] = tanh(v)
		}
	}
}

func tanh(v float32) float32 {
	x := float64(v)
	if !(x > -tanhMiddle && x < tanhMiddle) {
		return float32(math.Tanh(x))
	}
	s := float64(x * x)
	p := float64((float64((float64(-9.64399179425052238628e-1*s)-9.92877231001918586564e1)*s) - 1.61468768441708447952e3))
	q := float64((float64((float64((s+1.12811678491632931402e2)*s)+2.23548839060100448583e3)*s) + 4.84406305325125486048e3))
	return float32(x + float64(float64(x*s)*p)/q)
}

// TanhBackward stores dy·gain·(1 − tanh²), for tangents as Tanh stores them. dx may be dy.
func TanhBackward(dx, tanh, dy []float32, gain float32) {
	tanh, dy = tanh[:len(dx)], dy[:len(dx)]
	i := 0
	if tier > Portable {
		i = vectorTanhBackward(dx, tanh, dy, gain)
	}
	for ; i < len(dx); i++ {
		dx[i] = float32(dy[i]*gain) * (1 - float32(tanh[i]*tanh[i]))
	}
}

// OddLevels stores (2·RNE(n·(src/most/2 + 1/2)) − n)·scale: of the odd multiples of scale up
// to n of them, the one where src is between -most and most. most > 0.
func OddLevels(dst, src []float32, most, n, scale float32) {
	src = src[:len(dst)]
	i := 0
	if tier > Portable {
		i = vectorOddLevels(dst, src, most, n, scale)
	}
	for ; i < len(dst); i++ {
		dst[i] = (2*roundEven(n*float32(float32(src[i]/most*0.5)+0.5)) - n) * scale
	}
}
