// SPDX-License-Identifier: Apache-2.0

//go:build (amd64 || arm64) && !purego

package kernel

import "math/bits"

//go:generate sh -c "cd _asm && ./generate.sh finish"
//go:generate sh -c "cd _asm && ./generate.sh finishneon arm64"

// blockFinish requantizes eight channels at a time where the output are codes, the terms are one or two, and numbers
// fit the processor's 32-bit multiplication and results. The rest, and what is left of the channels, is generic.
type blockFinish struct {
	*genericFinish
	terms     []int   // in the order of the assembly: int32 before codes
	table     []int64 // [block], as addBlock makes it
	blockSize int     // of the table, in numbers
}

const finishLanes = 8

func newBlockFinish(e Epilogue) Finisher {
	f := &blockFinish{genericFinish: newGenericFinisher(e)}
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
		f.blockSize = len(f.table) / (first/finishLanes + 1)
	}
	return f
}

// narrow returns the multiplier of a term as one of 32 bits, with the power of two that is left out and goes to the codes
// of the term, and whether both fit.
func (e *blockFinish) narrow(term, channel int) (m, power int64, ok bool) {
	wide := e.R.M[term][channel]
	if e.Terms[term].Codes {
		power = int64(max(0, bits.Len64(uint64(max(wide, -wide)))-31))
	}
	m = wide >> power
	return m, power, m == int64(int32(m)) && m<<power == wide && 255<<power < 1<<31
}

// addNarrow adds numbers of 32 bits to the table.
func (e *blockFinish) addNarrow(values [finishLanes]int64) {
	for lane := 0; lane < finishLanes; lane += 2 {
		e.table = append(e.table, int64(uint32(values[lane]))|values[lane+1]<<32)
	}
}

func (e *blockFinish) Finish(t Tile, acc []int32, tensors []Tensor, s *Scratch) {
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

func (e *blockFinish) finishBlocks(t Tile, blocks int, acc []int32, tensors []Tensor) {
	n := blocks * finishLanes
	place := func(row int) int { return (t.Row+row)*e.Channels + t.Channel }
	dst := tensors[e.Output].Codes[place(0) : place(t.Rows-1)+n]
	table := e.table[t.Channel/finishLanes*e.blockSize:][:blocks*e.blockSize]

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
