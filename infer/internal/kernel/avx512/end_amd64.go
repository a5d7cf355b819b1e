// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package avx512

import (
	"slices"

	"github.com/goqat/goqat/infer/internal/kernel"
)

// An End is a finisher as products of other packages need it, which make codes of their sums by the rule of this one.
type End struct {
	kernel.Epilogue
	// Table is that of finisher.add, but that multipliers of codes are whole: words of 64 bits of even channels, and of odd ones.
	Table []int64
	Block int // numbers of the table for 16 channels
}

// EndOf returns the end that a finisher of Set is for sums that lack what they begin with, start for each channel: the
// constants have it. With one term they have the zero point of the output, too; with two they have not, since ties go to
// the even number without it. The end is nil for others than finishers of whole registers of channels with one term, whose ties
// the constants decide, or with an accumulator and codes whose products are of 52 bits and not negative.
func EndOf(f kernel.Finisher, start []int32) *End {
	e, ok := f.(*finisher)
	if !ok || e.Channels != len(start) || e.Channels%lanes != 0 {
		return nil
	}
	switch terms := e.Epilogue.Terms; {
	case len(terms) == 1 && !e.ties:
	case len(terms) == 2 && !terms[0].Codes && terms[1].Codes:
	default:
		return nil
	}
	end := &End{Epilogue: e.Epilogue, Table: slices.Clone(e.table), Block: e.blockSize}
	for c, s := range start {
		if !end.add(&e.blocks[c/lanes], c, s, len(e.terms) > 1) {
			return nil
		}
	}
	return end
}

// add changes the constants of a channel, from those of its block, and says whether they can be what the end wants.
func (end *End) add(b *block, c int, start int32, codes bool) bool {
	lane := c % lanes
	wide := func(vector int) *int64 { // one of two: of even channels, and of odd ones
		return &end.Table[c/lanes*end.Block+(vector+lane%2)*lanes/2+lane/2]
	}
	constant := wide(0)
	*constant += int64(start) * b.multipliers[0][lane] // modulo 2^64, as the sums are
	if codes {
		m := b.multipliers[1][lane] << b.powers[1][lane]
		*wide(codeVector) = m
		return m >= 0 && m*255 < 1<<52
	}
	*constant += int64(end.R.Zero) << b.shift[lane]
	return b.shift[lane] <= mostShift
}

// codeVector is the vector of the table from which on it has the multipliers of codes.
const codeVector = 8

// mostShift is the greatest shift with which a zero point of 8 bits, added to a sum of less than 2^62, leaves it one of 64 bits.
const mostShift = 62 - 8

// Packs says whether Set's packed plan of weights in lines of taps has them in fewer bits than a byte.
func Packs(weights []int8, taps int) bool {
	f, _ := fewestBits(weights, taps)
	return f.bits < 8
}
