// SPDX-License-Identifier: Apache-2.0

package kernel

import "math"

// MostCode is the greatest magnitude of integers that are multiplied: that of codes of 8
// bits less their zero point, or of the odd numbers of 8 bits.
const MostCode = 255

// Steps of real numbers lie in these bounds: their inverse, and a number of steps, are
// then normal numbers.
const (
	leastStep = 0x1p-100
	mostStep  = 0x1p100
)

// Usable says whether whole numbers of a step can be told from the real numbers.
func Usable(step float32) bool { return step > leastStep && step < mostStep }

// roundingBias brings a number of magnitude below 2^22 to where float32 has the integers
// alone, so that an addition rounds to the nearest, ties to even.
const (
	roundingBias     = 0x1.8p23
	roundingBiasBits = 0x4b400000
)

// WholeSteps stores RNE(src·inverse) for the inverse of a step and numbers that Codes is
// for, as real numbers; NaN stays NaN.
func WholeSteps(dst, src []float32, inverse float32) {
	src = src[:len(dst)]
	i := 0
	if tier > Portable {
		i = vectorWholeSteps(dst, src, inverse)
	}
	for ; i < len(dst); i++ {
		dst[i] = float32(float32(src[i]*inverse)+roundingBias) - roundingBias
	}
}

// Codes stores RNE(src/step), for the inverse of a step and numbers that are whole
// numbers of steps, MostCode of them at most, but for the rounding to float32: the product
// is then off by less than 2^-13, and rounds to that number of steps. It returns whether
// all of src are numbers; what it stores for one that is none, is not said.
func Codes(dst []int16, src []float32, inverse float32) (numbers bool) {
	src = src[:len(dst)]
	numbers = true
	i := 0
	if tier > Portable {
		i, numbers = vectorCodes(dst, src, inverse)
	}
	for ; i < len(dst); i++ {
		numbers = numbers && src[i] == src[i]
		dst[i] = int16(codeOf(src[i], inverse))
	}
	return numbers
}

// NarrowCodes stores the low 8 bits of what Codes stores, plus zero.
func NarrowCodes(dst []uint8, src []float32, inverse float32, zero uint8) (numbers bool) {
	src = src[:len(dst)]
	numbers = true
	i := 0
	if tier > Portable {
		i, numbers = vectorNarrowCodes(dst, src, inverse, zero)
	}
	for ; i < len(dst); i++ {
		numbers = numbers && src[i] == src[i]
		dst[i] = uint8(codeOf(src[i], inverse)) + zero
	}
	return numbers
}

// codeOf returns RNE(v·inverse) of magnitude below 2^22.
func codeOf(v, inverse float32) int32 {
	return int32(math.Float32bits(float32(v*inverse)+roundingBias) - roundingBiasBits)
}
