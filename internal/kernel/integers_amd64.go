// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package kernel

const codeLanes = 16

func vectorWholeSteps(dst, src []float32, inverse float32) int {
	n := len(dst) &^ (lanes - 1)
	for i := 0; i < n; i += maxVector {
		wholeStepsAVX2(&dst[i], &src[i], min(maxVector, n-i), inverse)
	}
	return n
}

// vectorCodes does all of 16 elements and more: the last vector begins before the end of
// the one before it.
func vectorCodes(dst []int16, src []float32, inverse float32) (n int, numbers bool) {
	n = len(dst)
	if n < codeLanes {
		return 0, true
	}
	bad := 0
	whole := n &^ (codeLanes - 1)
	for i := 0; i < whole; i += maxVector {
		bad |= codesAVX2(&dst[i], &src[i], min(maxVector, whole-i), inverse)
	}
	if whole < n {
		bad |= codesAVX2(&dst[n-codeLanes], &src[n-codeLanes], codeLanes, inverse)
	}
	return n, bad == 0
}

// vectorNarrowCodes is vectorCodes for codes of 8 bits.
func vectorNarrowCodes(dst []uint8, src []float32, inverse float32, zero uint8) (n int, numbers bool) {
	n = len(dst)
	if n < codeLanes {
		return 0, true
	}
	bad := 0
	whole := n &^ (codeLanes - 1)
	for i := 0; i < whole; i += maxVector {
		bad |= narrowCodesAVX2(&dst[i], &src[i], min(maxVector, whole-i), inverse, zero)
	}
	if whole < n {
		bad |= narrowCodesAVX2(&dst[n-codeLanes], &src[n-codeLanes], codeLanes, inverse, zero)
	}
	return n, bad == 0
}

// vectorReadCodes does all of 8 elements and more, as vectorCodes does.
func vectorReadCodes(dst []float32, src []uint8, zero uint8, step float32) int {
	n := len(dst)
	if n < lanes {
		return 0
	}
	whole := n &^ (lanes - 1)
	for i := 0; i < whole; i += maxVector {
		readCodesAVX2(&dst[i], &src[i], min(maxVector, whole-i), float32(zero), step)
	}
	if whole < n {
		readCodesAVX2(&dst[n-lanes], &src[n-lanes], lanes, float32(zero), step)
	}
	return n
}

// vectorWidenCodes does all of 16 elements and more, as vectorCodes does.
func vectorWidenCodes(dst []int16, src []uint8, zero uint8) int {
	n := len(dst)
	if n < codeLanes {
		return 0
	}
	whole := n &^ (codeLanes - 1)
	for i := 0; i < whole; i += maxVector {
		widenCodesAVX2(&dst[i], &src[i], min(maxVector, whole-i), int16(zero))
	}
	if whole < n {
		widenCodesAVX2(&dst[n-codeLanes], &src[n-codeLanes], codeLanes, int16(zero))
	}
	return n
}
