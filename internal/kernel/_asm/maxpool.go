// SPDX-License-Identifier: Apache-2.0

package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// maxPool generates a loop over pixels and in it one over vectors of their c
// channels. The body of a vector gets the address of its channels in wide (of
// outputs), in taps, and in far (of inputs), whose pixels are step apart.
func maxPool(name, wide, far, doc string, body func(wide, taps Mem, far, at, tap, count Register)) {
	text(name, wide+" *float32, taps *uint8, "+far+" *float32, at, tap *int32, count, pixels, c, step int", doc)
	y, taps, x := Load(Param(wide), GP64()), Load(Param("taps"), GP64()), Load(Param(far), GP64())
	at, tap, count := Load(Param("at"), GP64()), Load(Param("tap"), GP64()), Load(Param("count"), GP64())
	channel, from := GP64(), GP64()
	Label("pixel")
	XORQ(channel, channel)
	Label("vector")
	LEAQ(Mem{Base: x, Index: channel, Scale: 4}, from)
	body(Mem{Base: y, Index: channel, Scale: 4}, Mem{Base: taps, Index: channel, Scale: 1}, from, at, tap, count)
	ADDQ(Imm(lanes), channel)
	last := Load(Param("c"), GP64())
	ANDQ(I32(-lanes), last)
	CMPQ(channel, last)
	JLT(LabelRef("vector"))
	c, step := Load(Param("c"), GP64()), Load(Param("step"), GP64())
	LEAQ(Mem{Base: y, Index: c, Scale: 4}, y)
	ADDQ(c, taps)
	LEAQ(Mem{Base: x, Index: step, Scale: 4}, x)
	DECQ(NewParamAddr("pixels", 48))
	JNE(LabelRef("pixel"))
	VZEROUPPER()
	RET()
}

// forTaps generates a loop over the taps of a window, from the given register on.
func forTaps(label string, k, count, at, tap, far Register, body func(in Mem, index Mem)) {
	offset := GP64()
	Label(label)
	MOVLQSX(Mem{Base: at, Index: k, Scale: 4}, offset)
	body(Mem{Base: far, Index: offset, Scale: 4}, Mem{Base: tap, Index: k, Scale: 4})
	INCQ(k)
	CMPQ(k, count)
	JLT(LabelRef(label))
}

func maxPoolKernels() {
	maxPool("maxTakeAVX2", "y", "x", "maxTakeAVX2 is maxRun.take of whole vectors of channels.", func(y, taps Mem, x, at, tap, count Register) {
		const notLessEqual, ordered = 0x16, 0x07 // true, and false, of NaN
		best, index, v, take, keep := YMM(), YMM(), YMM(), YMM(), YMM()
		offset, k := GP64(), GP64()
		MOVLQSX(Mem{Base: at}, offset)
		VMOVUPS(Mem{Base: x, Index: offset, Scale: 4}, best)
		VPBROADCASTD(Mem{Base: tap}, index)
		MOVQ(U32(1), k)
		CMPQ(k, count)
		JEQ(LabelRef("done"))
		forTaps("take", k, count, at, tap, x, func(in, tapAt Mem) {
			VMOVUPS(in, v)
			VCMPPS(Imm(notLessEqual), best, v, take)
			VCMPPS(Imm(ordered), best, best, keep)
			VANDPS(keep, take, take)
			VBLENDVPS(take, v, best, best)
			VPBROADCASTD(tapAt, v)
			VPBLENDVB(take, v, index, index)
		})
		Label("done")
		VMOVUPS(best, y)
		VEXTRACTI128(Imm(1), index, take.AsX())
		VPACKUSDW(take.AsX(), index.AsX(), take.AsX())
		VPACKUSWB(take.AsX(), take.AsX(), take.AsX())
		VMOVQ(take.AsX(), taps)
	})
	maxPool("maxGiveAVX2", "dy", "dx", "maxGiveAVX2 is maxRun.give of whole vectors of channels.", func(dy, taps Mem, dx, at, tap, count Register) {
		d, index, v := YMM(), YMM(), YMM()
		VMOVUPS(dy, d)
		VPMOVZXBD(taps, index)
		k := GP64()
		XORQ(k, k)
		forTaps("give", k, count, at, tap, dx, func(to, tapAt Mem) {
			VPBROADCASTD(tapAt, v)
			VPCMPEQD(v, index, v)
			VANDPS(d, v, v)
			VADDPS(to, v, v)
			VMOVUPS(v, to)
		})
	})
}
