// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package kernel

import (
	"math/bits"

	"github.com/goqat/goqat/fixed"
)

//go:generate sh -c "cd _asm && ./generate.sh finish"

// avx2Finish requantizes eight channels at a time where the output are codes, the terms are one or two, and numbers
// fit the processor's 32-bit multiplication and results. The rest, and what is left of the channels, is generic.
type avx2Finish struct {
	*genericFinish
	terms []int   // in the order of the assembly: int32 before codes
	table []int64 // nil where all is generic
}

const finishLanes = 8

func newAVX2Finish(e Epilogue) Finisher {
	f := &avx2Finish{genericFinish: newGenericFinisher(e)}
	if e.R == nil || e.R.Lo != 0 || e.R.Hi > 255 || len(e.Terms) > 2 || len(e.Terms) == 1 && e.Terms[0].Codes {
		return f.genericFinish
	}
	for _, codes := range []bool{false, true} {
		for i, t := range e.Terms {
			if t.Codes == codes {
				f.terms = append(f.terms, i)
			}
		}
	}
	for first := 0; first+finishLanes <= e.Channels; first += finishLanes {
		if !f.addBlock(first) {
			return f.genericFinish
		}
	}
	return f
}

// addBlock adds the table of eight channels: for even channels, then for odd ones, as words of 64 bits, the constant
// with 2^62 more, so that no sum is negative; half a unit less 1; the shift. Then what the bias of 2^62 has become, less
// the zero point, as 32 bits; then for each term the multipliers of even and of odd channels; then for each term of
// codes, as 32 bits, the power of two that is left out of its multiplier and goes to the codes. It says whether the
// channels can be computed so.
func (e *avx2Finish) addBlock(first int) bool {
	r := e.R
	var constant, half, shift, unbias [finishLanes]int64
	multipliers, powers := make([][finishLanes]int64, len(e.terms)), make([][finishLanes]int64, len(e.terms))
	for lane := range finishLanes {
		c, s := first+lane, int64(r.Shift[first+lane])
		constant[lane] = e.constant[c]
		reach := uint64(0)
		for i, term := range e.terms {
			m := r.M[term][c]
			power := 0
			if e.Terms[term].Codes {
				power = max(0, bits.Len64(uint64(max(m, -m)))-31)
			}
			narrow := m >> power
			if narrow != int64(int32(narrow)) || narrow<<power != m || 255<<power >= 1<<31 {
				return false
			}
			multipliers[i][lane], powers[i][lane] = narrow, int64(power)
			if e.Terms[term].Codes {
				constant[lane] -= int64(e.Terms[term].Zero) * m
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
	for _, values := range [][finishLanes]int64{constant, half, shift} {
		e.addEvenOdd(values)
	}
	e.addNarrow(unbias)
	for _, values := range multipliers {
		e.addEvenOdd(values)
	}
	for i, term := range e.terms {
		if e.Terms[term].Codes {
			e.addNarrow(powers[i])
		}
	}
	return true
}

func (e *avx2Finish) addNarrow(values [finishLanes]int64) {
	for lane := 0; lane < finishLanes; lane += 2 {
		e.table = append(e.table, int64(uint32(values[lane]))|values[lane+1]<<32)
	}
}

func (e *avx2Finish) addEvenOdd(values [finishLanes]int64) {
	for parity := range 2 {
		for lane := parity; lane < finishLanes; lane += 2 {
			e.table = append(e.table, values[lane])
		}
	}
}

func (e *avx2Finish) Finish(t Tile, acc []int32, tensors []Tensor, s *Scratch) {
	blocks := t.Channels / finishLanes
	if blocks > 0 {
		e.finishBlocks(t, blocks, acc, tensors)
	}
	if rest := t.Channels % finishLanes; rest > 0 {
		t.Channel, t.Channels = t.Channel+blocks*finishLanes, rest
		if acc != nil {
			acc = acc[blocks*finishLanes:]
		}
		e.genericFinish.Finish(t, acc, tensors, s)
	}
}

func (e *avx2Finish) finishBlocks(t Tile, blocks int, acc []int32, tensors []Tensor) {
	n := blocks * finishLanes
	place := func(row int) int { return (t.Row+row)*e.Channels + t.Channel }
	dst := tensors[e.Output].Codes[place(0) : place(t.Rows-1)+n]
	table := e.table[t.Channel/finishLanes*e.blockSize():][:blocks*e.blockSize()]

	var wide [2][]int32
	var codes [2][]uint8
	var stride [2]int
	for i, term := range e.terms {
		if term < e.own() {
			wide[i], stride[i] = acc[term*t.Rows*t.Stride:][:(t.Rows-1)*t.Stride+n], 4*t.Stride
			continue
		}
		x := &tensors[e.Others[term-e.own()]]
		if e.Terms[term].Codes {
			codes[i], stride[i] = x.Codes[place(0):place(t.Rows-1)+n], e.Channels
		} else {
			wide[i], stride[i] = x.Wide[place(0):place(t.Rows-1)+n], 4*e.Channels
		}
	}
	most := int(e.R.Hi)
	switch {
	case len(e.terms) == 1:
		finishWide(&dst[0], e.Channels, t.Rows, blocks, &wide[0][0], stride[0], &table[0], most)
	case codes[0] != nil:
		finishCodesCodes(&dst[0], e.Channels, t.Rows, blocks, &codes[0][0], stride[0], &codes[1][0], stride[1], &table[0], most)
	case codes[1] != nil:
		finishWideCodes(&dst[0], e.Channels, t.Rows, blocks, &wide[0][0], stride[0], &codes[1][0], stride[1], &table[0], most)
	default:
		finishWideWide(&dst[0], e.Channels, t.Rows, blocks, &wide[0][0], stride[0], &wide[1][0], stride[1], &table[0], most)
	}
}

// blockSize returns the numbers of the table for eight channels.
func (e *avx2Finish) blockSize() int {
	n := 28 + 8*len(e.terms)
	for _, t := range e.Terms {
		if t.Codes {
			n += 4
		}
	}
	return n
}
