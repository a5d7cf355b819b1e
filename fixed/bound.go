// SPDX-License-Identifier: Apache-2.0

package fixed

import "math/bits"

// DotBound returns the greatest |Σ wₖ·xₖ| for any xₖ in [lo, hi], the worst case of an accumulator with the weights
// w over inputs q - z in that range; lo <= 0 <= hi. Absent inputs (padding, x = 0) do not exceed it.
func DotBound[T int8 | int16](w []T, lo, hi int32) int64 {
	var positive, sum int64
	for _, v := range w {
		positive += int64(max(v, 0)) // without a branch
		sum += int64(v)
	}
	return DotBoundOf(positive, positive-sum, lo, hi)
}

// DotBoundOf returns what DotBound returns, from two sums: the weights above 0 sum up to positive, the weights below 0
// to -negative.
func DotBoundOf(positive, negative int64, lo, hi int32) int64 {
	most := positive*int64(hi) - negative*int64(lo)
	least := positive*int64(lo) - negative*int64(hi)
	return max(most, -least)
}

// SumBound returns Σᵢ maxAbs[i]·|m[i]| + |b|, the worst case of a requantization's sum for |acc_i| <= maxAbs[i],
// and whether it is below MaxSum. A negative maxAbs is out of bounds.
func SumBound(m, maxAbs []int64, b int64) (int64, bool) {
	sum, ok := abs(b)
	for i, x := range m {
		a, fits := abs(x)
		high, low := bits.Mul64(uint64(a), uint64(maxAbs[i]))
		if !ok || !fits || maxAbs[i] < 0 || high != 0 || low >= uint64(MaxSum) {
			return 0, false
		}
		sum += int64(low) // both are below 2^62
		ok = sum < MaxSum
	}
	return sum, ok
}

// abs returns |x| and whether it is below MaxSum.
func abs(x int64) (int64, bool) {
	if x < 0 {
		x = -x
	}
	return x, x >= 0 && x < MaxSum
}
