// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package kernel

// addBlock adds the table of eight channels: as words of 64 bits, the constant and the negative shift; the zero point as
// 16 bits; then for each term, as 32 bits, the multipliers and, for one of codes, the power of two that is left out of its
// multiplier and goes to the codes. It says whether the channels can be computed so.
func (e *blockFinish) addBlock(first int) bool {
	r := e.R
	if r.Zero < 0 || r.Zero > 255 {
		return false
	}
	var constant, shift [finishLanes]int64
	multipliers, powers := make([][finishLanes]int64, len(e.terms)), make([][finishLanes]int64, len(e.terms))
	for lane := range finishLanes {
		c := first + lane
		if r.Shift[c] < 1 {
			return false
		}
		constant[lane], shift[lane] = e.constant[c], -int64(r.Shift[c])
		for i, term := range e.terms {
			narrow, power, ok := e.narrow(term, c)
			if !ok {
				return false
			}
			multipliers[i][lane], powers[i][lane] = narrow, power
			constant[lane] -= int64(e.Terms[term].Zero) * r.M[term][c]
		}
	}
	e.table = append(append(e.table, constant[:]...), shift[:]...)
	zeros := int64(r.Zero) * 0x0001000100010001
	e.table = append(e.table, zeros, zeros)
	for i, term := range e.terms {
		e.addNarrow(multipliers[i])
		if e.Terms[term].Codes {
			e.addNarrow(powers[i])
		}
	}
	return true
}
