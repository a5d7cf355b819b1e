// SPDX-License-Identifier: Apache-2.0

package qat

import (
	"math"

	"github.com/goqat/goqat/graph"
)

// gaussianRange returns the range, with 0 in it, that is best for a tensor if
// its values are normally distributed, or rectified: so many deviations about
// their mean that the mean square error of the bits is least, but not beyond
// the values seen. A rectified range starts at 0.
func gaussianRange(s graph.Stats, bits int, signed bool) (lo, hi float64) {
	least, most := float64(s.Min), float64(s.Max)
	if !signed {
		// The rectified half has half the mean square of the whole.
		deviation := math.Sqrt(2 * s.SumSquares / float64(s.Count))
		return 0, max(0, min(most, gaussianClipRectified[bits]*deviation))
	}
	mean, deviation := meanDeviation(s)
	k := gaussianClip[bits] * deviation
	return min(0, max(least, mean-k)), max(0, min(most, mean+k))
}

// meanDeviation returns mean and standard deviation of the values of s.
func meanDeviation(s graph.Stats) (mean, deviation float64) {
	n := float64(s.Count)
	mean = s.Sum / n
	return mean, math.Sqrt(max(0, s.SumSquares/n-float64(mean*mean)))
}

// The clips, in deviations, that minimize the mean square error of quantizing a
// normal distribution to so many bits, whole and rectified (Banner et al. 2019,
// ACIQ, section 3; the table of the authors' code).
var (
	gaussianClip          = [9]float64{1: 1.24, 2: 1.71, 3: 2.15, 4: 2.55, 5: 2.93, 6: 3.28, 7: 3.61, 8: 3.92}
	gaussianClipRectified = [9]float64{1: 1.71, 2: 2.15, 3: 2.55, 4: 2.93, 5: 3.28, 6: 3.61, 7: 3.92, 8: 4.20}
)

// confine brings learned values back to [least, most]; what is not a number
// starts over.
func confine(values []float32, least, most, start float32) {
	for i, v := range values {
		if v != v {
			v = start
		}
		values[i] = min(max(v, least), most)
	}
}
