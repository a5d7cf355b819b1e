// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package kernel

// vectorTransform is transform.
func (f form) vectorTransform(dst []float32, to grid, src []float32, from grid, n int) {
	kernel := [...]func(dst *float32, dstRow, dstCol int, src *float32, srcRow, srcCol, n int){
		valuesToPointsAVX2, pointsToSumsAVX2, sumsToPointsAVX2, tapsToPointsAVX2, pointsToTapsAVX2,
	}[f]
	for i := 0; i < n; i += maxVector / 8 {
		kernel(&dst[i], to.row, to.col, &src[i], from.row, from.col, min(maxVector/8, n-i))
	}
}
