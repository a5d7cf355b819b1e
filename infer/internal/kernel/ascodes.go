// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"slices"

	"github.com/goqat/goqat/fixed"
)

// AsCodes returns an epilogue of one plane of thresholds as one that requantizes to 0 and 1, and whether there is one, so that
// plans that end in codes end in signs, too. With v the sum less the threshold, RNE((2v + 1 + 2^31) / 2^32) is 1 and more where
// v is not negative, and 0 and less where it is: no sum is a tie.
func AsCodes(e Epilogue) (Epilogue, bool) {
	const shift = 32
	if e.T == nil || len(e.T.T) != 1 {
		return e, false
	}
	most := make([]int64, len(e.Terms)) // what the terms can be
	for i, t := range e.Terms {
		if most[i] = 1 << (t.Width() - 1); t.Codes {
			most[i] = 255
		}
	}
	r := &fixed.Requantizer{Hi: 1, Bias: make([]int64, e.Channels), AccBias: make([]int32, e.Channels), Shift: make([]uint8, e.Channels)}
	m := make([]int64, len(e.Terms))
	for i := range m {
		r.M = append(r.M, twice(e.T.M[i]))
	}
	for c, level := range e.T.T[0] {
		for i := range m {
			m[i] = e.T.M[i][c]
		}
		reach, ok := fixed.SumBound(m, most, 0)
		if !ok || reach >= fixed.MaxSum>>4 {
			return e, false
		}
		level = min(max(level, -reach), reach+1) // beyond are thresholds for no sum
		r.Bias[c], r.Shift[c] = 1<<(shift-1)+1-2*level, shift
	}
	e.R, e.T = r, nil
	return e, true
}

// twice returns multipliers of twice the size.
func twice(m []int64) []int64 {
	m = slices.Clone(m)
	for c := range m {
		m[c] *= 2
	}
	return m
}
