// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package kernel

// The functions of this file add the leading elements that make whole vectors to
// the lanes, and return how many.

func vectorSquares(s *[1][sumLanes]float64, src []float32) int {
	n := len(src) &^ (lanes - 1)
	for i := 0; i < n; i += maxVector {
		squaresAVX2(s, &src[i], min(maxVector, n-i))
	}
	return n
}

func vectorQuantizedDots(wq, qq *[2][sumLanes]float64, w []float32, scales [2]float32, most float32) int {
	n := len(w) &^ (lanes - 1)
	exact := lanes * max(1, int((1<<24)/(most*most))) // elements whose squares float32 adds exactly
	step := min(maxVector, exact)
	for i := 0; i < n; i += step {
		quantizedDotsAVX2(wq, qq, &w[i], min(step, n-i), scales[0], scales[1], most)
	}
	return n
}

func vectorClipBackward(s *[2][sumLanes]float64, dx, src, dy []float32, lo, hi float32) int {
	n := len(dx) &^ (lanes - 1)
	for i := 0; i < n; i += maxVector {
		clipBackwardAVX2(s, &dx[i], &src[i], &dy[i], min(maxVector, n-i), lo, hi)
	}
	return n
}

func vectorStepBackward(s *[3][sumLanes]float64, dx, src, dy []float32, step, lo, hi float32) int {
	n := len(dx) &^ (lanes - 1)
	for i := 0; i < n; i += maxVector {
		stepBackwardAVX2(s, &dx[i], &src[i], &dy[i], min(maxVector, n-i), step, lo, hi)
	}
	return n
}
