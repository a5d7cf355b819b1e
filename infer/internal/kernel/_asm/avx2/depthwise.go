// SPDX-License-Identifier: Apache-2.0

package avx2

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// depthwise generates the depthwise convolutions, by 16 channels and two taps at a time.
func depthwise() {
	depthwiseRow()
	depthwiseLine()
}

// depthwiseRow generates that of any taps.
func depthwiseRow() {
	TEXT("depthwiseRow", NOSPLIT, "func(acc *int32, x *uint8, offsets *int32, pairs, channels, pixels, step int, w *int16, start *int32)")
	Doc("depthwiseRow is, for c < channels, of which there are at least 16, and p < pixels,", "",
		"\tacc[p·channels+c] = start[c] + Σ over 2·pairs taps of x[p·step+offsets[tap]+c]·w[tap][c]", "",
		"The weights are in blocks of 16 channels, the last of which ends with the channels and can overlap the one before:",
		"[block][pair][16][2], the channels of a block in the order 0-3, 8-11, 4-7, 12-15, to which interleaving two",
		"taps in registers brings their codes.")
	Pragma("noescape")

	acc, x, end := Load(Param("acc"), GP64()), Load(Param("x"), GP64()), Load(Param("channels"), GP64())
	offsets, start := Load(Param("offsets"), GP64()), Load(Param("start"), GP64())
	SUBQ(Imm(16), end) // the last block
	Label("pixel")
	w, channel := Load(Param("w"), GP64()), GP64()
	XORQ(channel, channel)
	Label("block")
	row, at, pairs := GP64(), GP64(), Load(Param("pairs"), GP64())
	LEAQ(Mem{Base: x, Index: channel, Scale: 1}, row)
	MOVQ(offsets, at)
	low, high := YMM(), YMM()
	VPXOR(low, low, low)
	VPXOR(high, high, high)
	Label("pair")
	first, second := GP64(), GP64()
	MOVLQSX(Mem{Base: at}, first)
	MOVLQSX(Mem{Base: at, Disp: 4}, second)
	a, b, both := YMM(), YMM(), YMM()
	VPMOVZXBW(Mem{Base: row, Index: first, Scale: 1}, a)
	VPMOVZXBW(Mem{Base: row, Index: second, Scale: 1}, b)
	VPUNPCKLWD(b, a, both)
	VPMADDWD(Mem{Base: w}, both, both)
	VPADDD(both, low, low)
	VPUNPCKHWD(b, a, both)
	VPMADDWD(Mem{Base: w, Disp: 32}, both, both)
	VPADDD(both, high, high)
	ADDQ(Imm(8), at)
	ADDQ(Imm(64), w)
	DECQ(pairs)
	JNZ(LabelRef("pair"))
	natural := YMM()
	for half, order := range []uint8{0x20, 0x31} {
		VPERM2I128(Imm(uint64(order)), high, low, natural)
		VPADDD(Mem{Base: start, Index: channel, Scale: 4, Disp: 32 * half}, natural, natural)
		VMOVDQU(natural, Mem{Base: acc, Index: channel, Scale: 4, Disp: 32 * half})
	}
	CMPQ(channel, end)
	JGE(LabelRef("done"))
	ADDQ(Imm(16), channel)
	CMPQ(channel, end)
	CMOVQGT(end, channel)
	JMP(LabelRef("block"))
	Label("done")
	step := Load(Param("step"), GP64())
	ADDQ(step, x)
	channels, pixels := Load(Param("channels"), GP64()), Load(Param("pixels"), GP64())
	LEAQ(Mem{Base: acc, Index: channels, Scale: 4}, acc)
	DECQ(pixels)
	Store(pixels, Param("pixels"))
	JNZ(LabelRef("pixel"))
	VZEROUPPER()
	RET()
}

// halves are numbers of 16 channels: 0-3 and 8-11, then 4-7 and 12-15.
type halves [2]VecVirtual

func newHalves() halves { return halves{YMM(), YMM()} }

// interleave returns the words of two registers in turn.
func interleave(a, b VecVirtual) halves {
	y := newHalves()
	VPUNPCKLWD(b, a, y[0])
	VPUNPCKHWD(b, a, y[1])
	return y
}

// A column is the codes of a column of three lines, widened: those of the first and the second in turn, and of the third.
type column struct {
	upper halves
	lower VecVirtual
}

// A lineLoop is the state of depthwiseLine: sums of three pixels, of which the first is complete with the next column.
type lineLoop struct {
	x, pitch, w, step GPVirtual
	sums              [3]halves
	last              VecVirtual // the third line of the column before
}

// next loads a column, and returns with it the third lines of the column before and of this one in turn.
func (l *lineLoop) next() (c column, pair halves) {
	a, b := YMM(), YMM()
	c.lower = YMM()
	VPMOVZXBW(Mem{Base: l.x}, a)
	VPMOVZXBW(Mem{Base: l.x, Index: l.pitch, Scale: 1}, b)
	VPMOVZXBW(Mem{Base: l.x, Index: l.pitch, Scale: 2}, c.lower)
	c.upper = interleave(a, b)
	pair = interleave(l.last, c.lower)
	VMOVDQA(c.lower, l.last)
	ADDQ(l.step, l.x)
	return c, pair
}

// add adds to a sum, or begins it with, the products of pairs of words with weights of that number.
func (l *lineLoop) add(sum halves, words halves, pair int, begin bool) {
	for i := range sum {
		w := Mem{Base: l.w, Disp: 64*pair + 32*i}
		if begin {
			VPMADDWD(w, words[i], sum[i])
			continue
		}
		product := YMM()
		VPMADDWD(w, words[i], product)
		VPADDD(product, sum[i], sum[i])
	}
}

// depthwiseLine generates that of 3 × 3 taps, a line of pixels next to each other: each column is loaded once.
func depthwiseLine() {
	TEXT("depthwiseLine", NOSPLIT, "func(acc *int32, x *uint8, pitch, channels, pixels int, w *int16, start *int32)")
	Doc("depthwiseLine is depthwiseRow for 3 × 3 taps of pixels next to each other, in lines pitch bytes apart. The weights are,",
		"with t the taps line by line, of the pairs t₀ t₃, t₁ t₄, t₂ t₅, t₆ t₇ and 0 t₈.")
	Pragma("noescape")
	acc, start, end := Load(Param("acc"), GP64()), Load(Param("start"), GP64()), Load(Param("channels"), GP64())
	l := &lineLoop{x: GP64(), pitch: GP64(), w: GP64(), step: GP64(), sums: [3]halves{newHalves(), newHalves(), newHalves()}, last: YMM()}
	Load(Param("pitch"), l.pitch)
	Load(Param("w"), l.w)
	MOVQ(end, l.step)
	SUBQ(Imm(16), end) // the last block
	channel := GP64()
	XORQ(channel, channel)
	Label("block")
	Load(Param("x"), l.x)
	ADDQ(channel, l.x)
	out, pixels := GP64(), Load(Param("pixels"), GP64())
	LEAQ(Mem{Base: acc, Index: channel, Scale: 4}, out)
	VPXOR(l.last, l.last, l.last)
	first, _ := l.next()
	l.add(l.sums[0], first.upper, 0, true)
	second, pair := l.next()
	l.add(l.sums[0], second.upper, 1, false)
	l.add(l.sums[1], second.upper, 0, true)
	l.add(l.sums[0], pair, 3, false)
	Label("pixel")
	for i := range l.sums {
		done, next, after := l.sums[i], l.sums[(i+1)%3], l.sums[(i+2)%3]
		c, pair := l.next()
		l.add(done, c.upper, 2, false)
		l.add(next, c.upper, 1, false)
		l.add(after, c.upper, 0, true)
		l.add(done, pair, 4, false)
		l.add(next, pair, 3, false)
		for half, order := range []uint8{0x20, 0x31} {
			natural := YMM()
			VPERM2I128(Imm(uint64(order)), done[1], done[0], natural)
			VPADDD(Mem{Base: start, Index: channel, Scale: 4, Disp: 32 * half}, natural, natural)
			VMOVDQU(natural, Mem{Base: out, Disp: 32 * half})
		}
		LEAQ(Mem{Base: out, Index: l.step, Scale: 4}, out)
		DECQ(pixels)
		if i < 2 {
			JZ(LabelRef("line"))
		}
	}
	JNZ(LabelRef("pixel"))
	Label("line")
	CMPQ(channel, end)
	JGE(LabelRef("done"))
	ADDQ(U32(5*64), l.w)
	ADDQ(Imm(16), channel)
	CMPQ(channel, end)
	CMOVQGT(end, channel)
	JMP(LabelRef("block"))
	Label("done")
	VZEROUPPER()
	RET()
}
