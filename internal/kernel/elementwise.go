// SPDX-License-Identifier: Apache-2.0

package kernel

import "math"

// The functions of this file work on slices of one length, element by element.
// dst may be one of the sources. Assembly and portable Go give the same bits.

// Add stores a + b.
func Add(dst, a, b []float32) {
	a, b = a[:len(dst)], b[:len(dst)]
	i := 0
	if tier > Portable {
		i = vectorAdd(dst, a, b)
	}
	for ; i < len(dst); i++ {
		dst[i] = a[i] + b[i]
	}
}

// ReLU stores max(src, 0); NaN stays NaN.
func ReLU(dst, src []float32) { ReLUClamp(dst, src, infinity) }

// ReLUClamp stores src limited to [0, hi]; NaN stays NaN.
func ReLUClamp(dst, src []float32, hi float32) {
	src = src[:len(dst)]
	i := 0
	if tier > Portable {
		i = vectorReLUClamp(dst, src, hi)
	}
	for ; i < len(dst); i++ {
		dst[i] = clamp(src[i], 0, hi)
	}
}

// ReLUBackward stores dy where 0 < src < +Inf, else 0: the gradient of ReLU at src.
func ReLUBackward(dx, src, dy []float32) { ReLUClampBackward(dx, src, dy, infinity) }

// ReLUClampBackward stores dy where 0 < src < hi, else 0: the gradient of
// ReLUClamp at src.
func ReLUClampBackward(dx, src, dy []float32, hi float32) {
	dy, src = dy[:len(dx)], src[:len(dx)]
	i := 0
	if tier > Portable {
		i = vectorReLUClampBackward(dx, src, dy, hi)
	}
	for ; i < len(dx); i++ {
		if v := src[i]; v > 0 && v < hi {
			dx[i] = dy[i]
		} else {
			dx[i] = 0
		}
	}
}

// FakeQuantize stores clamp(RNE(src/scale), lo, hi) * scale, where RNE rounds
// to the nearest integer, ties to even. lo and hi are the least and greatest
// code minus the zero point, integers of magnitude up to 2^24; scale > 0. NaN
// stays NaN.
func FakeQuantize(dst, src []float32, scale, lo, hi float32) {
	src = src[:len(dst)]
	i := 0
	if tier > Portable {
		i = vectorFakeQuantize(dst, src, scale, lo, hi)
	}
	for ; i < len(dst); i++ {
		dst[i] = clamp(roundEven(src[i]/scale), lo, hi) * scale
	}
}

// FakeQuantizeBackward stores dy where lo <= RNE(src/scale) <= hi, else 0: the
// straight-through gradient of FakeQuantize at src.
func FakeQuantizeBackward(dx, src, dy []float32, scale, lo, hi float32) {
	dy, src = dy[:len(dx)], src[:len(dx)]
	i := 0
	if tier > Portable {
		i = vectorFakeQuantizeBackward(dx, src, dy, scale, lo, hi)
	}
	for ; i < len(dx); i++ {
		if q := roundEven(src[i] / scale); q >= lo && q <= hi {
			dx[i] = dy[i]
		} else {
			dx[i] = 0
		}
	}
}

// MinMax returns the least and the greatest element of src, NaNs left out:
// +Inf and -Inf if there is none. The sign of a zero is not specified.
func MinMax(src []float32) (lo, hi float32) {
	lo, hi = infinity, -infinity
	i := 0
	if tier > Portable {
		lo, hi, i = vectorMinMax(src)
	}
	for _, v := range src[i:] {
		if v < lo {
			lo = v
		}
		if v > hi {
			hi = v
		}
	}
	return lo, hi
}

var infinity = float32(math.Inf(1))

func clamp(v, lo, hi float32) float32 {
	if v < lo {
		v = lo
	}
	if v > hi {
		v = hi
	}
	return v
}

// roundEven rounds to the nearest integer, ties to even.
func roundEven(v float32) float32 { return float32(math.RoundToEven(float64(v))) }
