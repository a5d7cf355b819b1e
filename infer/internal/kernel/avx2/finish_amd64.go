// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package avx2

import (
	"github.com/goqat/goqat/fixed"
	"github.com/goqat/goqat/infer/internal/kernel/vector"
)

// addBlock adds the table of eight channels: for even channels, then for odd ones, as words of 64 bits, the constant
// with 2^62 more, so that no sum is negative; half a unit less 1; the shift. Then what the bias of 2^62 has become, less
// the zero point, as 32 bits; then for each term the multipliers of even and of odd channels; then for each term of
// codes, as 32 bits, the power of two that is left out of its multiplier and goes to the codes. It says whether the
// channels can be computed so.
func addBlock(b *vector.Blocks, first int) bool {
	r := b.R
	var constant, half, shift, unbias [vector.Lanes]int64
	multipliers, powers := make([][vector.Lanes]int64, len(b.Order)), make([][vector.Lanes]int64, len(b.Order))
	for lane := range vector.Lanes {
		c, s := first+lane, int64(r.Shift[first+lane])
		constant[lane] = b.Constant[c]
		reach := uint64(0)
		for i, term := range b.Order {
			m := r.M[term][c]
			narrow, power, ok := b.Narrow(term, c)
			if !ok {
				return false
			}
			multipliers[i][lane], powers[i][lane] = narrow, power
			if b.Terms[term].Codes {
				constant[lane] -= int64(b.Terms[term].Zero) * m
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
	for _, values := range [][vector.Lanes]int64{constant, half, shift} {
		b.Table = appendEvenOdd(b.Table, values)
	}
	b.AddNarrow(unbias)
	for _, values := range multipliers {
		b.Table = appendEvenOdd(b.Table, values)
	}
	for i, term := range b.Order {
		if b.Terms[term].Codes {
			b.AddNarrow(powers[i])
		}
	}
	return true
}

// appendEvenOdd appends the numbers of even lanes, then those of odd lanes, to a table.
func appendEvenOdd(table []int64, values [vector.Lanes]int64) []int64 {
	for parity := range 2 {
		for lane := parity; lane < vector.Lanes; lane += 2 {
			table = append(table, values[lane])
		}
	}
	return table
}
