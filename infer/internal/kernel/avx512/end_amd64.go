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
	Table []int64 // see finisher.add
	Block int     // numbers of the table for 16 channels
}

// EndOf returns the end that a finisher of Set is for sums that lack what they begin with, start for each channel: the
// constants have it. With one term they have the zero point of the output, too; with two they have not, since ties go to
// the even number without it. The end is nil for others than finishers of whole registers of channels with one term, whose ties
// the constants decide, or with an accumulator and codes.
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
		b, lane := &e.blocks[c/lanes], c%lanes
		constant := &end.Table[c/lanes*end.Block+lane%2*lanes/2+lane/2]
		*constant += int64(s) * b.multipliers[0][lane] // modulo 2^64, as the sums are
		if len(e.terms) > 1 {
			continue
		}
		if b.shift[lane] > mostShift {
			return nil
		}
		*constant += int64(e.R.Zero) << b.shift[lane]
	}
	return end
}

// mostShift is the greatest shift with which a zero point of 8 bits, added to a sum of less than 2^62, leaves it one of 64 bits.
const mostShift = 62 - 8

// Packs says whether Set's packed plan of weights in lines of taps has them in fewer bits than a byte.
func Packs(weights []int8, taps int) bool {
	f, _ := fewestBits(weights, taps)
	return f.bits < 8
}
