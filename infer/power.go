// SPDX-License-Identifier: Apache-2.0

package infer

import (
	"math/bits"
	"slices"

	"github.com/goqat/goqat/infer/internal/kernel"
)

// Kernels round a sum by its high half: multipliers are brought to a shift of 32 or 33, and have 32 bits with their sign. Sums of
// weights and codes of two or three bits can be so small that multipliers would have more. But such weights can be multiplied by a
// power of two, and with them their sums.

// powered returns weights times a power of two and has the epilogue expect sums of these, so that multipliers fit, or come as near
// to it as weights stay in 8 bits. Both stay as they are where they fit already, or where sums would leave 32 bits.
func powered(e *kernel.Epilogue, weights []int8) []int8 {
	r := e.R
	if r == nil || e.Own() != 1 || e.ByImage() {
		return weights
	}
	power, others := 0, uint64(0)
	for c, s := range r.Shift {
		power = max(power, bits.Len64(uint64(max(r.M[0][c], -r.M[0][c])))+2-int(s))
		others |= uint64(max(r.Bias[c], -r.Bias[c]))
		for _, m := range r.M[1:] {
			others |= uint64(max(m[c], -m[c]))
		}
	}
	most := int8(0)
	for _, w := range weights {
		most |= max(w, ^w)
	}
	if power = min(power, 7-bits.Len8(uint8(most))); power <= 0 || e.Terms[0].Width()+power > 32 || bits.Len64(others)+power > 48 {
		return weights
	}
	e.Terms[0].Bits = e.Terms[0].Width() + power
	scaled := *r
	scaled.M = slices.Clone(r.M)
	for i := 1; i < len(scaled.M); i++ {
		scaled.M[i] = times(r.M[i], power)
	}
	scaled.Bias, scaled.AccBias, scaled.Shift = times(r.Bias, power), times(r.AccBias, power), slices.Clone(r.Shift)
	for c := range scaled.Shift {
		scaled.Shift[c] += uint8(power)
	}
	e.R = &scaled
	return times(weights, power)
}

// times returns numbers times a power of two.
func times[T int8 | int32 | int64](numbers []T, power int) []T {
	list := make([]T, len(numbers))
	for i, n := range numbers {
		list[i] = n << power
	}
	return list
}
