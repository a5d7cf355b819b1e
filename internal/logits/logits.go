// SPDX-License-Identifier: Apache-2.0

// Package logits has what is made of the logits of an image: its class and its
// probabilities.
package logits

import "math"

// Top returns the index of the greatest logit, of the first where several are; one that
// is no number is never greater than another.
func Top[T int32 | float32 | float64](row []T) int {
	best := 0
	for i, v := range row {
		if v > row[best] {
			best = i
		}
	}
	return best
}

// Exponentials writes exp((row − max row)/t) to to, which is softmax(row/t) times sum.
func Exponentials(to []float64, row []float32, t float64) (most, sum float64) {
	most = math.Inf(-1)
	for _, v := range row {
		most = max(most, float64(v))
	}
	for i, v := range row {
		to[i] = math.Exp((float64(v) - most) / t)
		sum += to[i]
	}
	return most, sum
}
