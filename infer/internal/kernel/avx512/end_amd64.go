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
	// of words, those before, the multipliers of sums and the powers of two that are left out of these; as constants are,
	// multipliers of codes, if there are any. For signs it has, as 32 bits, the last sum of the interval in which they are 1, and how
	// many sums there are in it less 1; for a short end, as 32 bits, what a kernel.Short has, in its order.
	Table  []int64
	Block  int  // numbers of the table for 16 channels
	Signs  bool // of one plane
	Short  bool // in words of 16 bits
	Shifts int  // 0 where there are none, 1 where there are but of words, and else 2
	Powers int  // 0 where none is left out
	Clamps int  // 0 where no code is beyond the limits, 1 where none is less than the least, and else -1
}

// EndOf returns the end that a finisher of Set is for sums that lack what they begin with, start for each channel. It is nil for
// others than finishers of whole registers of channels, of one term, or of an accumulator and codes.
func EndOf(f kernel.Finisher, start []int32) *End {
	if signs, ok := f.(interface{ Compares() *kernel.Intervals }); ok {
		return signsOf(signs.Compares(), start)
	}
	e, ok := f.(*finisher)
	if !ok || e.Channels != len(start) || e.Channels%lanes != 0 {
		return nil
	}
	codes := false
	if terms := e.Epilogue.Terms; len(terms) == 2 {
		if codes = !terms[0].Codes && terms[1].Codes; !codes {
			return nil
		}
	}
	end := &End{Epilogue: e.Epilogue}
	for first := 0; first < e.Channels; first += lanes {
		var constant, shift, deep, sum, power, code [lanes]int64
		for lane := range lanes {
			n, ok := e.numbers(first+lane, start[first+lane])
			if !ok {
				return nil
			}
			constant[lane], shift[lane], deep[lane], sum[lane], power[lane], code[lane] = n.constant, n.shift, n.deep, n.sum, n.power, n.code
			end.Powers, end.Clamps = end.Powers|int(n.power), end.Clamps|n.clamps
			end.Shifts = max(end.Shifts, n.shifts())
		}
		end.Table = appendEvenOdd(end.Table, constant[:])
		end.Table = appendNarrow(end.Table, shift[:])
		end.Table = appendNarrow(end.Table, deep[:])
		end.Table = appendNarrow(end.Table, sum[:])
		end.Table = appendNarrow(end.Table, power[:])
		if codes {
			end.Table = appendEvenOdd(end.Table, code[:])
		}
	}
	end.Block = len(end.Table) / (e.Channels / lanes)
	return end
}

// ShortOf returns a finisher as an end in words of 16 bits, as EndOf does. It is nil where not all channels have such a form.
func ShortOf(f kernel.Finisher, start []int32) *End {
	e, ok := f.(*finisher)
	if !ok || e.Channels != len(start) || e.Channels%lanes != 0 {
		return nil
	}
	forms := e.Shorts(start)
	if forms == nil {
		return nil
	}
	end := &End{Epilogue: e.Epilogue, Short: true, Block: 4 * lanes / 2}
	for first := 0; first < e.Channels; first += lanes {
		for _, number := range shortNumbers {
			var values [lanes]int64
			for lane := range values {
				values[lane] = number(&forms[first+lane])
			}
			end.Table = appendNarrow(end.Table, values[:])
		}
	}
	return end
}

// shortNumbers are the numbers of a short form, in the order of tables.
var shortNumbers = [...]func(*kernel.Short) int64{
	func(s *kernel.Short) int64 { return int64(s.Before) },
	func(s *kernel.Short) int64 { return int64(s.Multiplier) },
	func(s *kernel.Short) int64 { return int64(s.After) },
	func(s *kernel.Short) int64 { return int64(s.Shift) },
}

// signsOf is EndOf for thresholds of one accumulator.
func signsOf(e *kernel.Intervals, start []int32) *End {
	if len(e.T.T) > 1 || e.Channels != len(start) || e.Channels%lanes != 0 {
		return nil
	}
	end := &End{Epilogue: e.Epilogue, Signs: true, Block: 2 * lanes / 2}
	for channel := 0; channel < e.Channels; channel += lanes {
		var last, count [lanes]int64
		for lane := range lanes {
			c := channel + lane
			first, to, ok := e.Bounds(0, c)
			if last[lane], count[lane] = int64(to-start[c]), int64(to-first); !ok { // one sum that there is not
				last[lane], count[lane] = -1<<31, 0
			}
		}
		end.Table = appendNarrow(end.Table, last[:])
		end.Table = appendNarrow(end.Table, count[:])
	}
	return end
}

// The numbers of a channel make a code of a sum without a test for ties, nor an addition of the zero point: with
//
//	y = sum·2^power·multiplier + code·multiplier of codes + constant
//
// it is the high half of y, shifted by deep, cut to 16 bits without a sign, shifted, and cut to 8 bits and, with clamps, to the
// limits of the output.
type numbers struct {
	constant, deep, shift, sum, power, code int64
	clamps                                  int // as of an end
}

// shifts returns the shifts of an end of such channels.
func (n *numbers) shifts() int {
	switch {
	case n.deep > 0:
		return 2
	case n.shift > 0:
		return 1
	}
	return 0
}

// numbers returns those of a channel whose sums lack start, and whether there are any: if ties are decided, multipliers fit, and
// products of codes are not negative and have 52 bits.
func (e *finisher) numbers(c int, start int32) (numbers, bool) {
	b, lane := &e.blocks[c/lanes], c%lanes
	up := 0
	if b.shift[lane] == 32 && b.size[lane] > 46 { // words of 16 bits, with a zero point and a half, have no sign once they are shifted
		up = 1
	}
	sway := b.sways[lane]
	if sway.by != 0 { // with 8 bits below the last place
		up = max(up, 8-int(b.up[lane]))
	}
	m, shift := b.multiplier(0, lane), int(b.shift[lane])+up
	n := numbers{
		constant: (b.constant[lane]-b.down[lane]+int64(start)*m)<<up + int64(e.R.Zero)<<shift - sway.by*sway.at, // modulo 2^64, as the sums are
		power:    int64(max(0, bits.Len64(uint64(max(m, -m))<<up)-31)),
	}
	n.sum = m << up >> n.power
	if len(e.terms) > 1 {
		n.code = b.multiplier(1, lane)<<up + sway.by
	}
	most := bits.Len32(uint32(e.R.Hi))
	n.shift = min(int64(shift)-32, int64(16-most)) // of which a word has all codes
	n.deep = int64(shift) - 32 - n.shift
	if saturated := min(1<<(16-n.shift), 256) - 1; e.R.Lo > 0 {
		n.clamps = -1
	} else if int(e.R.Hi) < saturated { // of the cuts to 16 and 8 bits
		n.clamps = 1
	}
	own := &e.Epilogue.Terms[e.terms[0]]
	reach := uint64(1)<<(own.Width()-1) + uint64(max(int64(start), -int64(start))) // of sums without start
	fits := shift <= 62-8 && int(b.size[lane])+up <= 62                            // with a zero point of 8 bits a sum is one of 64 bits
	fits = fits && n.sum == int64(int32(n.sum)) && n.sum<<n.power == m<<up && (n.power == 0 || bits.Len64(reach)+int(n.power) <= 31)
	return n, fits && !b.undecided && n.code >= 0 && n.code*255 < 1<<52
}

// Packs says whether Set's packed plan of weights in lines of taps has them in fewer bits than a byte.
func Packs(weights []int8, taps int) bool {
	f, _ := fewestBits(weights, taps)
	return f.bits < 8
}
