// SPDX-License-Identifier: Apache-2.0

package avx2

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// depthwise generates the depthwise convolution, by 16 channels and two taps at a time.
func depthwise() {
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
