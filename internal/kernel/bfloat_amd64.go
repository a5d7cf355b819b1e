// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package kernel

import "slices"

func vectorSplitScaled(dst []int16, part int, src, scale []float32) {
	whole := maxVector / len(scale) * len(scale)
	for i := 0; i < len(src); i += whole {
		splitScaledAVX512(&dst[i], part, &src[i], &scale[0], min(whole, len(src)-i), len(scale))
	}
}

func vectorPairParts(dst []float32, part int, src []float32, at []int32, n int) {
	_ = src[int(slices.Max(at))+n-1]
	for i := 0; i < n; i += maxVector / tileCols {
		pairPartsAVX512(&dst[i], part, &src[i], &at[0], len(at)/2, min(maxVector/tileCols, n-i), n)
	}
}

func vectorPairRows(dst []int16, src []float32, at []int32) {
	for i := 0; i < len(at); i += maxVector / tileCols {
		n := min(maxVector/tileCols, len(at)-i)
		pairRowsAVX2(&dst[i*tileCols], &src[0], &at[i], n/2)
	}
}

func vectorScaleSums(dst, scale []float32, rows int) {
	n := len(scale)
	for i := 0; i < rows; i += callRows(n) {
		scaleSumsAVX2(&dst[i*n], &scale[0], min(callRows(n), rows-i), n)
	}
}
