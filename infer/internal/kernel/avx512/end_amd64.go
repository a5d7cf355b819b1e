// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package avx512

import (
	"math/bits"

	"github.com/goqat/goqat/infer/internal/kernel"
)

// An End is a finisher as products of other packages need it, which make codes of their sums by the rule of numbers.
type End struct {
	kernel.Epilogue
	// Table has, for 16 channels, of even channels and then of odd ones as words of 64 bits, the constants; as 32 bits the shifts
	// of words, those before, and the multipliers of sums; as constants are, multipliers of codes, if there are any.
	Table        []int64
	Block        int // numbers of the table for 16 channels
	Deep, Clamps int // 0 where no shift is before words, and where codes have no other limits than 0 and 255
}

// EndOf returns the end that a finisher of Set is for sums that lack what they begin with, start for each channel. It is nil for
// others than finishers of whole registers of channels, of one term, or of an accumulator and codes.
func EndOf(f kernel.Finisher, start []int32) *End {
	e, ok := f.(*finisher)
	if !ok || e.apart || e.Channels != len(start) || e.Channels%lanes != 0 {
		return nil
	}
	codes := false
	if terms := e.Epilogue.Terms; len(terms) == 2 {
		if codes = !terms[0].Codes && terms[1].Codes; !codes {
			return nil
		}
	}
	end := &End{Epilogue: e.Epilogue, Clamps: e.clamps()}
	for first := 0; first < e.Channels; first += lanes {
		var constant, shift, deep, sum, code [lanes]int64
		for lane := range lanes {
			n, ok := e.numbers(first+lane, start[first+lane])
			if !ok {
				return nil
			}
			constant[lane], shift[lane], deep[lane], sum[lane], code[lane] = n.constant, n.shift, n.deep, n.sum, n.code
			end.Deep |= int(n.deep)
		}
		end.Table = appendEvenOdd(end.Table, constant[:])
		end.Table = appendNarrow(end.Table, shift[:])
		end.Table = appendNarrow(end.Table, deep[:])
		end.Table = appendNarrow(end.Table, sum[:])
		if codes {
			end.Table = appendEvenOdd(end.Table, code[:])
		}
	}
	end.Block = len(end.Table) / (e.Channels / lanes)
	return end
}

// The numbers of a channel make a code of a sum without a test for ties, nor an addition of the zero point: with
//
//	y = sum·multiplier + code·multiplier of codes + constant
//
// it is the high half of y, shifted by deep, cut to 16 bits without a sign, shifted, and cut to 8 bits and to the limits of the
// output.
type numbers struct{ constant, deep, shift, sum, code int64 }

// numbers returns those of a channel whose sums lack start, and whether there are any: if ties are decided, multipliers fit, and
// products of codes are not negative and have 52 bits.
func (e *finisher) numbers(c int, start int32) (numbers, bool) {
	b, lane := &e.blocks[c/lanes], c%lanes
	up := 0
	if b.shift[lane] == 32 { // words of 16 bits have no sign once they are shifted
		up = 1
	}
	sway := b.sways[lane]
	if sway.by != 0 { // with 8 bits below the last place
		up = max(up, 8-int(b.up[lane]))
	}
	m, shift := b.multipliers[0][lane], int(b.shift[lane])+up
	n := numbers{
		constant: (b.constant[lane]-b.down[lane]+int64(start)*m)<<up + int64(e.R.Zero)<<shift - sway.by*sway.at, // modulo 2^64, as the sums are
		sum:      m << up,
	}
	if len(e.terms) > 1 {
		n.code = b.multipliers[1][lane]<<b.powers[1][lane]<<up + sway.by
	}
	n.shift = min(int64(shift)-32, int64(16-bits.Len32(uint32(e.R.Hi)))) // of which a word has all codes
	n.deep = int64(shift) - 32 - n.shift
	fits := shift <= 62-8 && int(b.size[lane])+up <= 62 // with a zero point of 8 bits a sum is one of 64 bits
	return n, fits && !b.undecided && n.sum == int64(int32(n.sum)) && n.code >= 0 && n.code*255 < 1<<52
}

// clamps returns 1 where codes have other limits than 0 and 255.
func (e *finisher) clamps() int {
	if e.R.Lo > 0 || e.R.Hi < 255 {
		return 1
	}
	return 0
}

// Packs says whether Set's packed plan of weights in lines of taps has them in fewer bits than a byte.
func Packs(weights []int8, taps int) bool {
	f, _ := fewestBits(weights, taps)
	return f.bits < 8
}
