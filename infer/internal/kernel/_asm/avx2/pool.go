// SPDX-License-Identifier: Apache-2.0

package avx2

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// pool generates the pooling.
func pool() {
	maximum("maxRow16", 16, func() VecVirtual { return XMM() })
	maximum("maxRow32", 32, func() VecVirtual { return YMM() })
	sumRow()
}

// loops generates the loops over pixels, over blocks of channels, the last of which ends with the channels and can
// overlap the one before, and over the taps of the window. first begins a block, next gets the address of a
// tap's, last the index of the block.
func loops(block int, first func(), next func(Mem), last func(channel GPVirtual)) {
	x, offsets := Load(Param("x"), GP64()), Load(Param("offsets"), GP64())
	end := Load(Param("channels"), GP64())
	SUBQ(Imm(uint64(block)), end) // the last block
	Label("pixel")
	channel := GP64()
	XORQ(channel, channel)
	Label("block")
	taps, at, row := Load(Param("taps"), GP64()), GP64(), GP64()
	MOVQ(offsets, at)
	LEAQ(Mem{Base: x, Index: channel, Scale: 1}, row)
	first()
	Label("tap")
	offset := GP64()
	MOVLQSX(Mem{Base: at}, offset)
	next(Mem{Base: row, Index: offset, Scale: 1})
	ADDQ(Imm(4), at)
	DECQ(taps)
	JNZ(LabelRef("tap"))
	last(channel)
	CMPQ(channel, end)
	JGE(LabelRef("done"))
	ADDQ(Imm(uint64(block)), channel)
	CMPQ(channel, end)
	CMOVQGT(end, channel)
	JMP(LabelRef("block"))
	Label("done")
	step := Load(Param("step"), GP64())
	ADDQ(step, x)
}

// again goes on with the next pixel, and ends the function after the last.
func again() {
	pixels := Load(Param("pixels"), GP64())
	DECQ(pixels)
	Store(pixels, Param("pixels"))
	JNZ(LabelRef("pixel"))
	VZEROUPPER()
	RET()
}

func maximum(name string, block int, vector func() VecVirtual) {
	TEXT(name, NOSPLIT, "func(dst, x *uint8, offsets *int32, taps, channels, pixels, step int)")
	Doc(name+" is, for c < channels, of which there are at least "+map[int]string{16: "16", 32: "32"}[block]+", and p < pixels,", "",
		"\tdst[p·channels+c] = max over taps of x[p·step+offsets[tap]+c]")
	Pragma("noescape")
	dst, most := Load(Param("dst"), GP64()), vector()
	loops(block,
		func() { VPXOR(most, most, most) },
		func(m Mem) { VPMAXUB(m, most, most) },
		func(channel GPVirtual) { VMOVDQU(most, Mem{Base: dst, Index: channel, Scale: 1}) })
	channels := Load(Param("channels"), GP64())
	ADDQ(channels, dst)
	again()
}

func sumRow() {
	TEXT("sumRow", NOSPLIT, "func(acc *int32, x *uint8, offsets *int32, taps, channels, pixels, step, start int)")
	Doc("sumRow is, for c < channels, of which there are at least 8, and p < pixels,", "",
		"\tacc[p·channels+c] = start + Σ over taps of x[p·step+offsets[tap]+c]")
	Pragma("noescape")
	acc, start, sum, codes := Load(Param("acc"), GP64()), YMM(), YMM(), YMM()
	low := start.AsX()
	first := Load(Param("start"), GP64())
	VMOVQ(first, low)
	VPBROADCASTD(low, start)
	loops(8,
		func() { VMOVDQA(start, sum) },
		func(m Mem) {
			VPMOVZXBD(m, codes)
			VPADDD(codes, sum, sum)
		},
		func(channel GPVirtual) { VMOVDQU(sum, Mem{Base: acc, Index: channel, Scale: 4}) })
	channels := Load(Param("channels"), GP64())
	LEAQ(Mem{Base: acc, Index: channels, Scale: 4}, acc)
	again()
}
