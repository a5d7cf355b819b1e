// SPDX-License-Identifier: Apache-2.0

package cgen

import (
	"fmt"
	"math"

	"github.com/goqat/goqat/fixed"
	"github.com/goqat/goqat/qmodel"
)

// The ends of an operator, as in the enumeration of the C code.
const (
	endCodes     = "CODES"     // of one term of the operator's own, with multipliers of 32 bits
	endSumCodes  = "SUM_CODES" // of any
	endWideCodes = "WIDE_CODES"
	endLogits    = "LOGITS"
	endSigns     = "SIGNS"
	endSums      = "SUMS"
)

// An end says how terms become a number of the output.
type end struct {
	kind            string
	own             int
	multipliers     [][]int64 // [term][channel]
	constant        []int64
	shift           []uint8
	thresholds      [][]int64 // [sign][channel]
	zero, low, high int32
}

// A sum is what a term of the operator's own stands for: its accumulator is gain·raw + offset, where the C code has raw.
type sum struct {
	gain   int64
	offset []int64 // by channel
}

// newEnd prepares the end of an operator. own are its own terms; bounds are the worst cases of all terms' accumulators.
func newEnd(o *qmodel.Operator, out *qmodel.Tensor, own []sum, bounds [][]int64) *end {
	e := &end{own: len(own), constant: make([]int64, out.Channels)}
	switch {
	case o.Requantizer != nil:
		e.requantize(o.Requantizer, out, bounds)
	case o.Thresholds != nil:
		e.kind, e.multipliers, e.thresholds = endSigns, clone(o.Thresholds.M), o.Thresholds.T
	default:
		e.kind, e.multipliers = endSums, [][]int64{make([]int64, out.Channels)}
		for c := range e.multipliers[0] {
			e.multipliers[0][c] = 1
		}
	}
	for i, s := range own {
		for c, m := range e.multipliers[i] {
			e.constant[c] += m * s.offset[c] // modulo 2^64
			e.multipliers[i][c] = m * s.gain
		}
	}
	if e.kind == endCodes && (len(own) != 1 || len(e.multipliers) != 1 || !fits(e.multipliers[0])) {
		e.kind = endSumCodes
	}
	return e
}

// requantize brings shifts to 33 and more where the sums allow it: then one word of the sum decides, but for ties.
// Shifts of logits, and of what does not allow it, are at least 1.
func (e *end) requantize(r *fixed.Requantizer, out *qmodel.Tensor, bounds [][]int64) {
	e.multipliers, e.shift = clone(r.M), make([]uint8, r.Channels())
	e.zero, e.low, e.high = r.Zero, r.Lo, r.Hi
	e.kind = endCodes
	for c := range e.shift {
		if raise := max(0, 33-int(r.Shift[c])); out.Kind != qmodel.Codes || sumOf(r, c, bounds) > math.MaxInt64>>raise {
			e.kind = endWideCodes
		}
	}
	least, less := 33, 32
	if e.kind == endWideCodes {
		least, less = 1, 0
	}
	if out.Kind == qmodel.Logits {
		e.kind = endLogits
	}
	for c := range e.shift {
		raise := max(0, least-int(r.Shift[c]))
		e.shift[c] = uint8(int(r.Shift[c]) + raise - less)
		e.constant[c] = r.Constant(c) << raise
		for i := range e.multipliers {
			e.multipliers[i][c] <<= raise
		}
	}
}

// sumOf returns the worst case of a channel's sum, which is below 2^62 in a valid model.
func sumOf(r *fixed.Requantizer, c int, bounds [][]int64) int64 {
	m, most := make([]int64, r.Terms()), make([]int64, r.Terms())
	for i := range m {
		m[i], most[i] = r.M[i][c], bounds[i][c]
	}
	most[0] += max(int64(r.AccBias[c]), -int64(r.AccBias[c]))
	s, _ := fixed.SumBound(m, most, r.Bias[c])
	return s
}

func clone(m [][]int64) [][]int64 {
	c := make([][]int64, len(m))
	for i := range m {
		c[i] = append([]int64(nil), m[i]...)
	}
	return c
}

// fits says whether all numbers are int32.
func fits(numbers []int64) bool {
	for _, v := range numbers {
		if v != int64(int32(v)) {
			return false
		}
	}
	return true
}

// checkRaw refuses what the C code sums in int32 and may not fit: the products of all weights of a set with the codes as
// they are, without the zero point.
func checkRaw(most int64, what string) error {
	if most > math.MaxInt32 {
		return fmt.Errorf("%s of the codes as they are can reach %d, which int32 does not hold", what, most)
	}
	return nil
}
