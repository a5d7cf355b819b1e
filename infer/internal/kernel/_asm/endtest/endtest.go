// SPDX-License-Identifier: Apache-2.0

// Package endtest draws ends of products, which make codes of sums, and defines what these are; it is imported by tests only.
package endtest

import (
	"encoding/binary"
	"math/rand/v2"
)

// A Requantization is how sums become codes: with one term, whose ties the constant has seen to or not, or with codes.
type Requantization struct {
	Ties, Codes       bool
	Zero, Least, Most int64
	Other             []byte // the codes of the second term
	Stride            int    // of Other and of what is written
	Table             []byte // as package avx512 of the kernels writes it

	constant, m, more []int64 // of the channels
	shift, power      []int
}

// Draw draws a requantization of sums in rows. In each channel, the sum of a row leads to a tie between two codes. Multipliers
// of codes can be negative where signed is set.
func Draw(rng *rand.Rand, sums []int32, channels int, ties, codes, signed bool) *Requantization {
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
		shift, power := 32+rng.IntN(12), rng.IntN(9)
		m, more := (rng.Int64N(1<<32)-1<<31)>>rng.IntN(16), (rng.Int64N(1<<32)-1<<31)>>rng.IntN(16)
		if !signed {
			more = max(more, -more)
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

// append appends the table of 16 channels.
func (q *Requantization) append(first int) {
	wide := func(value func(c int) int64) { // of even channels, then of odd ones
		for parity := range 2 {
			for c := first + parity; c < first+16; c += 2 {
				q.Table = binary.LittleEndian.AppendUint64(q.Table, uint64(value(c)))
			}
		}
	}
	narrow := func(value func(c int) int64) {
		for c := first; c < first+16; c++ {
			q.Table = binary.LittleEndian.AppendUint32(q.Table, uint32(value(c)))
		}
	}
	wide(func(c int) int64 { return q.constant[c] + 1<<(q.shift[c]-1) })
	narrow(func(c int) int64 { return int64(q.shift[c] - 32) })
	if q.Ties || q.Codes {
		wide(func(c int) int64 { return 1<<q.shift[c] - 1 })
		wide(func(c int) int64 { return 1 << q.shift[c] })
	}
	narrow(func(c int) int64 { return q.m[c] })
	if q.Codes {
		narrow(func(c int) int64 { return q.more[c] })
		narrow(func(c int) int64 { return int64(q.power[c]) })
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
	if rest > unit/2 || rest == unit/2 && (rounded&1 == 1 || !q.Ties && !q.Codes) {
		rounded++
	}
	return byte(max(q.Least, min(q.Zero+rounded, q.Most)))
}

// FoldZero adds the zero point to the constants of the table, for ends that do not.
func (q *Requantization) FoldZero() {
	block := len(q.Table) / (len(q.constant) / 16)
	for c, shift := range q.shift {
		constant := q.Table[c/16*block+c%2*64+c%16/2*8:]
		binary.LittleEndian.PutUint64(constant, binary.LittleEndian.Uint64(constant)+uint64(q.Zero)<<shift)
	}
}

// WidenCodes puts whole multipliers of codes in the table, of even and of odd channels, for ends that take them so.
func (q *Requantization) WidenCodes() {
	block := len(q.Table) / (len(q.constant) / 16)
	for c, more := range q.more {
		to := q.Table[c/16*block+8*64+c%2*64+c%16/2*8:]
		binary.LittleEndian.PutUint64(to, uint64(more<<q.power[c]))
	}
}
