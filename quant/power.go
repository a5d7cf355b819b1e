// SPDX-License-Identifier: Apache-2.0

package quant

import "math"

// PowerOfTwo returns the power of two that is nearest to x > 0 by ratio: x lies
// within a factor √2 of it. 0 and numbers that are not finite are returned as
// they are.
func PowerOfTwo(x float64) float64 {
	if !(x > 0) || math.IsInf(x, 0) {
		return x
	}
	fraction, exponent := math.Frexp(x) // in [1/2, 1)
	if fraction < math.Sqrt2/2 {
		exponent--
	}
	return math.Ldexp(1, exponent)
}

// PowerOfTwoAbove returns the least power of two that is at least x > 0. 0 and
// numbers that are not finite are returned as they are.
func PowerOfTwoAbove(x float64) float64 {
	if !(x > 0) || math.IsInf(x, 0) {
		return x
	}
	fraction, exponent := math.Frexp(x)
	if fraction == 0.5 {
		return x
	}
	return math.Ldexp(1, exponent)
}
