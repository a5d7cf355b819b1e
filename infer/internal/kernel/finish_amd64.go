// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package kernel

import "github.com/goqat/goqat/fixed"

// addBlock adds the table of eight channels: for even channels, then for odd ones, as words of 64 bits, the constant
// with 2^62 more, so that no sum is negative; half a unit less 1; the shift. Then what the bias of 2^62 has become, less
// the zero point, as 32 bits; then for each term the multipliers of even and of odd channels; then for each term of
// codes, as 32 bits, the power of two that is left out of its multiplier and goes to the codes. It says whether the
// channels can be computed so.
func (e *blockFinish) addBlock(first int) bool {
	r := e.R
	var constant, half, shift, unbias [finishLanes]int64
	multipliers, powers := make([][finishLanes]int64, len(e.terms)), make([][finishLanes]int64, len(e.terms))
	for lane := range finishLanes {
		c, s := first+lane, int64(r.Shift[first+lane])
		constant[lane] = e.constant[c]
		reach := uint64(0)
		for i, term := range e.terms {
			m := r.M[term][c]
			narrow, power, ok := e.narrow(term, c)
			if !ok {
				return false
			}
			multipliers[i][lane], powers[i][lane] = narrow, power
			if e.Terms[term].Codes {
				constant[lane] -= int64(e.Terms[term].Zero) * m
				reach += uint64(max(m, -m)) * 255
			} else {
				reach += uint64(max(m, -m)) << 31
			}
		}
		reach += uint64(max(constant[lane], -constant[lane])) // below 3·2^62
		if s < 1 || s > fixed.MaxShift-1 || reach>>s >= 1<<31-1<<10 {
			return false
		}
		constant[lane] += 1 << 62
		half[lane] = 1<<(s-1) - 1
		shift[lane] = s
		unbias[lane] = 1<<(62-s) - int64(r.Zero)
	}
	for _, values := range [][finishLanes]int64{constant, half, shift} {
		e.addEvenOdd(values)
	}
	e.addNarrow(unbias)
	for _, values := range multipliers {
		e.addEvenOdd(values)
	}
	for i, term := range e.terms {
		if e.Terms[term].Codes {
			e.addNarrow(powers[i])
		}
	}
	return true
}

func (e *blockFinish) addEvenOdd(values [finishLanes]int64) {
	for parity := range 2 {
		for lane := parity; lane < finishLanes; lane += 2 {
			e.table = append(e.table, values[lane])
		}
	}
}
