// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package neon

import "github.com/goqat/goqat/infer/internal/kernel/vector"

// addBlock adds the table of eight channels: as words of 64 bits, the constant and the negative shift; the zero point as
// 16 bits; then for each term, as 32 bits, the multipliers and, for one of codes, the power of two that is left out of its
// multiplier and goes to the codes. It says whether the channels can be computed so.
func addBlock(b *vector.Blocks, first int) bool {
	r := b.R
	if r.Zero < 0 || r.Zero > 255 {
		return false
	}
	var constant, shift [vector.Lanes]int64
	multipliers, powers := make([][vector.Lanes]int64, len(b.Order)), make([][vector.Lanes]int64, len(b.Order))
	for lane := range vector.Lanes {
		c := first + lane
		if r.Shift[c] < 1 {
			return false
		}
		constant[lane], shift[lane] = b.Constant[c], -int64(r.Shift[c])
		for i, term := range b.Order {
			narrow, power, ok := b.Narrow(term, c)
			if !ok {
				return false
			}
			multipliers[i][lane], powers[i][lane] = narrow, power
			constant[lane] -= int64(b.Terms[term].Zero) * r.M[term][c]
		}
	}
	b.Table = append(append(b.Table, constant[:]...), shift[:]...)
	zeros := int64(r.Zero) * 0x0001000100010001
	b.Table = append(b.Table, zeros, zeros)
	for i, term := range b.Order {
		b.AddNarrow(multipliers[i])
		if b.Terms[term].Codes {
			b.AddNarrow(powers[i])
		}
	}
	return true
}
