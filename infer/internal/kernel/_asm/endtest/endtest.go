// SPDX-License-Identifier: Apache-2.0

// Package endtest draws ends of products, which make codes of sums, and defines what these are; it is imported by tests only.
package endtest

import (
	"encoding/binary"
	"math/bits"
	"math/rand/v2"
)

// A Requantization is how sums become codes: with one term or with codes, whose ties the constant has seen to or not.
type Requantization struct {
	Ties, Codes       bool
	Zero, Least, Most int64
	Other             []byte // the codes of the second term
	Stride            int    // of Other and of what is written
	Table             []byte // as package avx512 of the kernels writes it

	constant, m, more []int64 // of the channels
	shift, power      []int
}

// Draw draws a requantization of sums in rows, with shifts from the least to the most. In each channel, the sum of a row leads
// to a tie between two codes. Multipliers of codes can be negative where signed is set. With shifts of 32 alone, multipliers are small.
func Draw(rng *rand.Rand, sums []int32, channels int, ties, codes, signed bool, least, most int) *Requantization {
	q := &Requantization{Ties: ties, Codes: codes, Zero: rng.Int64N(256), Most: 255, Stride: channels}
	if rng.IntN(2) == 0 {
		q.Stride += 1 + rng.IntN(8)
	}
	if rng.IntN(4) == 0 {
		q.Least = rng.Int64N(100)
		q.Most = q.Least + rng.Int64N(256-q.Least)
	}
	rows := len(sums) / channels
	if codes {
		for range (rows-1)*q.Stride + channels {
			q.Other = append(q.Other, byte(rng.Uint32()))
		}
	}
	for c := range channels {
		shift, power := least+rng.IntN(most+1-least), rng.IntN(9)
		m, more := (rng.Int64N(1<<32)-1<<31)>>rng.IntN(16), (rng.Int64N(1<<32)-1<<31)>>rng.IntN(16)
		if !signed {
			more = max(more, -more)
		}
		if most == 32 { // without a shift of words, these must be less than 2^15
			m, more = m>>12, more>>12
		}
		row := rng.IntN(rows)
		constant := (rng.Int64N(256)-q.Zero)<<shift + 1<<(shift-1) - int64(sums[row*channels+c])*m
		if codes {
			constant -= int64(q.Other[row*q.Stride+c]) << power * more
		}
		q.shift, q.power = append(q.shift, shift), append(q.power, power)
		q.m, q.more, q.constant = append(q.m, m), append(q.more, more), append(q.constant, constant)
	}
	for first := 0; first < channels; first += 16 {
		q.append(first)
	}
	return q
}

// wide appends words of 64 bits of 16 channels to the table, of even ones and then of odd ones.
func (q *Requantization) wide(first int, value func(c int) int64) {
	for parity := range 2 {
		for c := first + parity; c < first+16; c += 2 {
			q.Table = binary.LittleEndian.AppendUint64(q.Table, uint64(value(c)))
		}
	}
}

// narrow appends numbers of 32 bits of 16 channels to the table.
func (q *Requantization) narrow(first int, value func(c int) int64) {
	for c := first; c < first+16; c++ {
		q.Table = binary.LittleEndian.AppendUint32(q.Table, uint32(value(c)))
	}
}

// append appends the table of 16 channels.
func (q *Requantization) append(first int) {
	q.wide(first, func(c int) int64 { return q.constant[c] + 1<<(q.shift[c]-1) })
	q.narrow(first, func(c int) int64 { return int64(q.shift[c] - 32) })
	if q.Ties {
		q.wide(first, func(c int) int64 { return 1<<q.shift[c] - 1 })
		q.wide(first, func(c int) int64 { return 1 << q.shift[c] })
	}
	q.narrow(first, func(c int) int64 { return q.m[c] })
	if q.Codes {
		q.narrow(first, func(c int) int64 { return q.more[c] })
		q.narrow(first, func(c int) int64 { return int64(q.power[c]) })
	}
}

// Code returns the code of a sum: rounded to the nearest, at a tie to the even number if the end looks for ties, or else up.
func (q *Requantization) Code(sum int32, row, c int) byte {
	x := int64(sum)*q.m[c] + q.constant[c]
	if q.Codes {
		x += int64(q.Other[row*q.Stride+c]) << q.power[c] * q.more[c]
	}
	unit := int64(1) << q.shift[c]
	rounded, rest := x>>q.shift[c], x&(unit-1)
	if rest > unit/2 || rest == unit/2 && (rounded&1 == 1 || !q.Ties) {
		rounded++
	}
	return byte(max(q.Least, min(q.Zero+rounded, q.Most)))
}

// Tiles makes the table that of products of tiles: constants with the zero point, shifts of words, at most 8, and those before,
// multipliers, powers of two that are left out of these, if any are to be, and those of codes as words of 64 bits. It is for a
// requantization without ties, and says whether there are any shifts before words.
func (q *Requantization) Tiles(powers bool) (deep bool) {
	q.Table = nil
	power := func(c int) int64 {
		if !powers {
			return 0
		}
		return int64(min(bits.TrailingZeros64(uint64(q.m[c])), 3))
	}
	for first := 0; first < len(q.constant); first += 16 {
		q.wide(first, func(c int) int64 { return q.constant[c] + 1<<(q.shift[c]-1) + q.Zero<<q.shift[c] })
		q.narrow(first, func(c int) int64 { return int64(min(q.shift[c]-32, 8)) })
		q.narrow(first, func(c int) int64 { deep = deep || q.shift[c] > 40; return int64(max(q.shift[c]-40, 0)) })
		q.narrow(first, func(c int) int64 { return q.m[c] >> power(c) })
		q.narrow(first, power)
		if q.Codes {
			q.wide(first, func(c int) int64 { return q.more[c] << q.power[c] })
		}
	}
	return deep
}

// A Short is how sums become codes in words of 16 bits: see package kernel's Short.
type Short struct {
	Most  int64  // the greatest code
	Table []byte // as package avx512 of the kernels writes it

	before, multiplier, after, shift []int64 // of the channels
}

// DrawShort draws numbers of channels, by which some words are cut, and codes are below the limits, within, and above.
func DrawShort(rng *rand.Rand, sums []int32, channels int) *Short {
	q := &Short{Most: 1<<(1+rng.IntN(4)) - 1}
	rows := len(sums) / channels
	for c := range channels {
		shift := rng.Int64N(12)
		before, m, after := rng.Int64N(1<<16)-1<<15, (rng.Int64N(1<<16)-1<<15)>>rng.IntN(16), rng.Int64N(1<<16)-1<<15
		if sum := int64(sums[rng.IntN(rows)*channels+c]); sum == int64(int16(sum)) && rng.IntN(4) > 0 { // a code of one sum at least
			before >>= 4
			after = rng.Int64N(q.Most+1)<<shift - (sum+before)*m>>16
			after = max(-1<<15, min(after, 1<<15-1))
		}
		q.before, q.multiplier, q.after, q.shift = append(q.before, before), append(q.multiplier, m), append(q.after, after), append(q.shift, shift)
	}
	for first := 0; first < channels; first += 16 {
		for _, numbers := range [][]int64{q.before, q.multiplier, q.after, q.shift} {
			for _, n := range numbers[first : first+16] {
				q.Table = binary.LittleEndian.AppendUint32(q.Table, uint32(n))
			}
		}
	}
	return q
}

// Words returns the table of products of 16 or 32 channels whose start has what comes before: the other numbers as words, in the
// order in which two vectors of 16 channels, or one twice, are packed.
func (q *Short) Words() (table []byte) {
	for _, numbers := range [][]int64{q.multiplier, q.after, q.shift} {
		for lane := 0; lane < 16; lane += 4 {
			for _, vector := range [][]int64{numbers[:16], numbers[len(numbers)-16:]} {
				for _, n := range vector[lane:][:4] {
					table = binary.LittleEndian.AppendUint16(table, uint16(n))
				}
			}
		}
	}
	return table
}

// Start adds to the start of sums what is added to them before they are multiplied, for ends that have it there.
func (q *Short) Start(start []int32) []int32 {
	list := make([]int32, len(start))
	for c := range list {
		list[c] = start[c] + int32(q.before[c])
	}
	return list
}

// Code returns the code of a sum of a channel, which is cut to a word before it is added to, or else after.
func (q *Short) Code(sum int32, c int, cutBefore bool) byte {
	cut := func(x int64) int64 { return max(-1<<15, min(x, 1<<15-1)) }
	x := int64(sum)
	if cutBefore {
		x = cut(x)
	}
	y := cut(cut(x+q.before[c])*q.multiplier[c]>>16 + q.after[c])
	return byte(max(0, min(y>>q.shift[c], q.Most)))
}
