// SPDX-License-Identifier: Apache-2.0

// Package vector is the plans, finishers and poolings of processors with vector registers, written once over the loops that
// each family of processors brings. Processor states what these are.
//
// One rule names the loops in assembly, their files and their generators. The package is the family: avx2, avx512, amx, neon,
// simd128, and no name says it again. A function is called after its operation, what that takes, and the tile it takes at a time:
//
//	operation   dot, depthwise, finish, store, sum, requantize, compare, max, widen, pad, pack, transform, interleave
//	takes       Bytes, Words, Nibbles, Pairs, Bits, Signs: how codes or weights lie in memory;
//	            Wide, Codes: the terms of a sum, int32 and uint8; with Ties where halves are found out;
//	            Sums: those of a product, in registers or at points; Points: words at the points of minimal filtering
//	tile        6 rows; 24x1 is 24 rows and 1 register of columns; of amx, 2x2 is 2 tile registers of rows and 2 of columns
//
// So avx512's dotNibbles14x2 multiplies with weights of 4 bits, 14 rows and 32 columns at a time. It is in
// avx512/dotnibbles_amd64.s, and comes from _asm/avx512/dot.go.
package vector

import "github.com/goqat/goqat/infer/internal/kernel"

// A Processor is what a family of processors owes: its loops, and the order in which they take weights and constants.
type Processor struct {
	Widen     Widen
	Depthwise Depthwise
	Pool      Pool
	Finish    Finish
	Sums      *Sums     // nil where portable Go does as well
	Winograd  *Winograd // nil where other products do as well
}

// NewPlan prepares a convolution: of one group by dot, whose products have so many output channels together, of a channel each
// by DepthwiseRows, if there are enough, and of other groups by dot, several at a time.
func (p *Processor) NewPlan(c kernel.Conv, weights []int8, together int, dot func(c kernel.Conv, weights []int8) kernel.Plan) kernel.Plan {
	switch {
	case c.Groups == 1:
		return dot(c, weights)
	case IsDepthwise(c):
		return p.NewDepthwise(c, weights)
	default:
		return newGrouped(c, weights, together, dot)
	}
}

// A Widen copies blocks of 16 codes to dst as little-endian words of 16 bits.
type Widen = func(dst, codes *uint8, blocks int)

// Depthwise is the loop of DepthwiseRows.
type Depthwise struct {
	Name string
	// Row is, for c < channels, of which there are at least 16, and p < pixels,
	//
	//	acc[p·channels+c] = start[c] + Σ over 2·pairs taps of x[p·step+offsets[tap]+c]·w[tap][c]
	//
	// The weights are in blocks of 16 channels, the last of which ends with the channels and can overlap the one before.
	Row func(acc *int32, x *uint8, offsets *int32, pairs, channels, pixels, step int, w *int16, start *int32)
	// Line is Row for 3 × 3 taps of pixels next to each other, in lines pitch bytes apart; nil where Row does as well. With t the
	// taps line by line, the weights are of the pairs t₀ t₃, t₁ t₄, t₂ t₅, t₆ t₇ and 0 t₈.
	Line func(acc *int32, x *uint8, pitch, channels, pixels int, w *int16, start *int32)
	// AppendPair appends the weights of two taps of a block as Row takes them.
	AppendPair func(weights []int16, pair *[2][16]int16) []int16
}

// Pool is the loops over the windows next to each other in a line: pixels of them, step codes apart in x, each of taps at
// offsets, with all channels.
type Pool struct {
	MaxRow16, MaxRow32 func(dst, x *uint8, offsets *int32, taps, channels, pixels, step int) // of at least 16 and 32 channels
	SumRow             func(acc *int32, x *uint8, offsets *int32, taps, channels, pixels, step, start int)
}

// Finish is the loops of Blocks: requantization of rows of 8·blocks channels, strides in bytes, of int32 (Wide) or codes.
type Finish struct {
	Wide       func(dst *uint8, dstStride, rows, blocks int, a *int32, aStride int, table *int64, most int)
	WideCodes  func(dst *uint8, dstStride, rows, blocks int, a *int32, aStride int, b *uint8, bStride int, table *int64, most int)
	WideWide   func(dst *uint8, dstStride, rows, blocks int, a *int32, aStride int, b *int32, bStride int, table *int64, most int)
	CodesCodes func(dst *uint8, dstStride, rows, blocks int, a *uint8, aStride int, b *uint8, bStride int, table *int64, most int)
	// AddBlock adds the constants of eight channels to the table and says whether they can be computed so.
	AddBlock func(b *Blocks, first int) bool
}

// Sums is the loops of sums of 64 bits and of comparisons. Count is the number of channels, or of whole blocks where other
// channels are left to portable Go. Strides are in bytes.
type Sums struct {
	Lanes int // channels of a block
	Whole bool
	// SumWide and SumCodes set sums[r][c] = from[r][c] + x[r][c]·m[c].
	SumWide  func(sums *int64, sumStride int, from *int64, fromStride int, x *int32, xStride, rows, count int, m *int64)
	SumCodes func(sums *int64, sumStride int, from *int64, fromStride int, x *uint8, xStride, rows, count int, m *int64)
	// RequantizeCodes and RequantizeWide round sums; the table has, for each block, the shifts s and then 2^(s-1) - 1.
	RequantizeCodes func(dst *uint8, dstStride int, sums *int64, sumStride, rows, count int, table *int64, zero, least, most int)
	RequantizeWide  func(dst *int32, dstStride int, sums *int64, sumStride, rows, count int, table *int64, zero, least, most int)
	// CompareSums sets bit p of a code where the sum is at least level p: levels are [block][plane][Lanes].
	CompareSums func(dst *uint8, dstStride int, sums *int64, sumStride, rows, count int, levels *int64, planes int)
	// ComparePlanes sets bit p of a code where the accumulator is in interval p: [block][plane][first, last][Lanes].
	// CompareRows is that of one plane, nil for none.
	ComparePlanes func(dst *uint8, dstStride int, acc *int32, accStride, rows, count int, intervals *int32, planes int)
	CompareRows   func(dst *uint8, dstStride int, acc *int32, accStride, rows, count int, intervals *int32)
}
