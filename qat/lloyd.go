// SPDX-License-Identifier: Apache-2.0

package qat

import "math"

// lloydMax returns the quantization of n values that has the least mean square
// error for normally distributed numbers, or for what a rectifier leaves of them,
// whose least value is then 0: values, and between them the levels from which on
// the next is nearer (Lloyd 1957, Max 1960). The distribution is taken at
// thousands of points.
func lloydMax(n int, rectified bool, mean, deviation float64) (level, value []float64) {
	const points, reach, rounds = 2001, 5.0, 200
	if !(deviation > leastStep) {
		deviation = leastStep
	}
	at := func(i int) (x, weight float64) {
		z := reach * (2*float64(i)/(points-1) - 1)
		x = mean + z*deviation
		if rectified {
			x = max(0, x)
		}
		return x, math.Exp(-z * z / 2)
	}
	value = make([]float64, n)
	level = make([]float64, n-1)
	first, last := mean-2*deviation, mean+2*deviation
	if rectified {
		first, last = 0, max(last, deviation)
	}
	for k := range value {
		value[k] = first + (last-first)*float64(k)/float64(n-1)
	}
	sum, count := make([]float64, n), make([]float64, n)
	for range rounds {
		for k := range level {
			level[k] = (value[k] + value[k+1]) / 2
		}
		clear(sum)
		clear(count)
		k := 0
		for i := range points {
			x, weight := at(i)
			for k < n-1 && x >= level[k] {
				k++
			}
			sum[k] += weight * x
			count[k] += weight
		}
		for k := range value {
			if count[k] > 0 && !(rectified && k == 0) {
				value[k] = sum[k] / count[k]
			}
		}
	}
	return level, value
}
