// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package kernel

func vectorSplitRows(dst []int16, pitch, part int, src []float32) {
	for i := 0; i < len(src); i += maxVector {
		n := min(maxVector, len(src)-i)
		splitRowsAVX2(&dst[i/tileCols*pitch], pitch, part, &src[i], n/tileCols)
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
