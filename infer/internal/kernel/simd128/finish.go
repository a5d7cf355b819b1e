// SPDX-License-Identifier: Apache-2.0

package simd128

import (
	"math/bits"

	"github.com/goqat/goqat/infer/internal/kernel"
	"github.com/goqat/goqat/infer/internal/kernel/vector"
)

// once is the loop that rounds a half up, for one term whose table has decided what few ties there are.
var once = &vector.Processor{Finish: vector.Finish{Wide: finishWide, AddBlock: addOnce}}

func newFinish(e kernel.Epilogue) kernel.Finisher {
	if !permitted() {
		return kernel.NewFinish(e)
	}
	if e.R == nil || e.R.Zero < 0 || e.R.Zero > 255 {
		return processor.NewSums(e)
	}
	if len(e.Terms) == 1 {
		if f := once.NewFinish(e); f != nil {
			return f
		}
	}
	if f := processor.NewFinish(e); f != nil {
		return f
	}
	return processor.NewSums(e)
}

// addBlock adds the table of eight channels, which share one shift of at least 32, since vectors have no shift by lane: as
// words of 64 bits, the constants with half a unit more; the bits below the unit; as 32 bits, the shift less 32, and nothing;
// the zero point as 16 bits; then for each term, as 32 bits, the multipliers, and of codes the power of two that is
// left out of them and goes to the codes. It says whether the channels can be computed so.
func addBlock(b *vector.Blocks, first int) bool { return add(b, first, false) }

// addOnce is addBlock where each channel has at most one accumulator that leads to a tie, which the constant decides.
func addOnce(b *vector.Blocks, first int) bool { return add(b, first, true) }

func add(b *vector.Blocks, first int, once bool) bool {
	shift := uint8(32)
	for _, s := range b.R.Shift[first:][:vector.Lanes] {
		shift = max(shift, s)
	}
	var constants [vector.Lanes]int64
	multipliers, powers := make([][vector.Lanes]int64, len(b.Order)), make([][vector.Lanes]int64, len(b.Order))
	for lane := range vector.Lanes {
		c := first + lane
		up := int(shift - b.R.Shift[c])
		constant, ok := b.Constant[c], reaches(b, c, up)
		if !ok {
			return false
		}
		for i, term := range b.Order {
			m := b.R.M[term][c] << up
			if b.Terms[term].Codes {
				constant -= int64(b.Terms[term].Zero) * b.R.M[term][c]
				powers[i][lane] = int64(max(0, bits.Len64(uint64(max(m, -m)))-31))
			}
			narrow := m >> powers[i][lane]
			multipliers[i][lane] = narrow
			if narrow != int64(int32(narrow)) || narrow<<powers[i][lane] != m || int64(255)<<powers[i][lane] >= 1<<31 {
				return false
			}
		}
		half := int64(1) << (shift - 1)
		constant <<= up
		constants[lane] = constant + half
		if once {
			m := multipliers[0][lane]
			acc, found, unique := vector.Tie(m, constant, shift, b.Terms[0].Width())
			if !unique {
				return false
			}
			if found && (acc*m+constant)>>shift&1 == 0 {
				constants[lane]--
			}
		}
	}
	b.Table = append(b.Table, constants[:]...)
	zeros := int64(b.R.Zero) * 0x0001000100010001
	b.Table = append(b.Table, 1<<shift-1, int64(shift-32), zeros, zeros)
	for i, term := range b.Order {
		b.AddNarrow(multipliers[i])
		if b.Terms[term].Codes {
			for lane := range powers[i] {
				powers[i][lane] = 1 << powers[i][lane]
			}
			b.AddNarrow(powers[i])
		}
	}
	return true
}

// reaches says whether the sums of a channel, 2^up times as large, stay below 2^62.
func reaches(b *vector.Blocks, channel, up int) bool {
	constant, reach := b.Constant[channel], uint64(0)
	for _, term := range b.Order {
		t, m := &b.Terms[term], b.R.M[term][channel]
		size := uint64(max(m, -m))
		switch {
		case t.Codes && size < 1<<53:
			constant -= int64(t.Zero) * m
			reach += size * 255
		case !t.Codes && size < 1<<31:
			reach += size << (t.Width() - 1)
		default:
			return false
		}
	}
	reach += uint64(max(constant, -constant))
	return reach < 1<<(62-up)
}
