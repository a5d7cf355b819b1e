// SPDX-License-Identifier: Apache-2.0

package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// unordered is the predicate of VCMPPS that is true of NaN.
const unordered = 3

// encodings generates the kernels of an Encoding, of one tensor and of a sum.
func encodings() {
	encoding("encodeAVX2", false, "encodeAVX2 is Encoding.Store, without an addend, of whole vectors of channels; limits are its numbers from Floor to Most, and bits of bad are set where there was a number that is none.")
	encoding("encodeSumAVX2", true, "encodeSumAVX2 is encodeAVX2 with an addend.")
}

func encoding(name string, sum bool, doc string) {
	arguments := "dst *uint8, src"
	if sum {
		arguments += ", add"
	}
	text(name, arguments+", scale, shift *float32, rows, n int, limits *[5]float32, extremes *[2][8]float32) (bad int", doc)
	dst, src, add := Load(Param("dst"), GP64()), Load(Param("src"), GP64()), GP64()
	if sum {
		Load(Param("add"), add)
	}
	scale, shift := Load(Param("scale"), GP64()), Load(Param("shift"), GP64())
	rows, n := Load(Param("rows"), GP64()), Load(Param("n"), GP64())
	limits, extremes := Load(Param("limits"), GP64()), Load(Param("extremes"), GP64())
	var limit [5]VecVirtual
	for i := range limit {
		limit[i] = YMM()
		VBROADCASTSS(Mem{Base: limits, Disp: 4 * i}, limit[i])
	}
	floor, ceil, step, least, most := limit[0], limit[1], limit[2], limit[3], limit[4]
	lo, hi, bad := YMM(), YMM(), YMM()
	VMOVUPS(Mem{Base: extremes}, lo)
	VMOVUPS(Mem{Base: extremes, Disp: 4 * lanes}, hi)
	VXORPS(bad, bad, bad)
	whole, c := GP64(), GP64()
	MOVQ(n, whole)
	ANDQ(I32(-lanes), whole)
	Label("row")
	XORQ(c, c)
	Label("column")
	at := func(base Register) Mem { return Mem{Base: base, Index: c, Scale: 4} }
	v, none := YMM(), YMM()
	VMOVUPS(at(src), v)
	VMULPS(at(scale), v, v)
	VADDPS(at(shift), v, v)
	if sum {
		VADDPS(at(add), v, v)
	}
	VMAXPS(v, floor, v)
	VMINPS(v, ceil, v)
	VMINPS(lo, v, lo)
	VMAXPS(hi, v, hi)
	VCMPPS(Imm(unordered), v, v, none)
	VORPS(none, bad, bad)
	VDIVPS(step, v, v)
	VROUNDPS(Imm(nearestEven), v, v)
	VMAXPS(v, least, v)
	VMINPS(v, most, v)
	VSUBPS(least, v, v)
	VCVTPS2DQ(v, v)
	high := XMM()
	VEXTRACTI128(Imm(1), v, high)
	VPACKSSDW(high, v.AsX(), high)
	VPACKUSWB(high, high, high)
	VMOVQ(high, Mem{Base: dst, Index: c, Scale: 1})
	ADDQ(Imm(lanes), c)
	CMPQ(c, whole)
	JLT(LabelRef("column"))
	ADDQ(n, dst)
	LEAQ(Mem{Base: src, Index: n, Scale: 4}, src)
	if sum {
		LEAQ(Mem{Base: add, Index: n, Scale: 4}, add)
	}
	DECQ(rows)
	JNE(LabelRef("row"))
	VMOVUPS(lo, Mem{Base: extremes})
	VMOVUPS(hi, Mem{Base: extremes, Disp: 4 * lanes})
	bits := GP64()
	VMOVMSKPS(bad, bits.As32())
	Store(bits, Return("bad"))
	VZEROUPPER()
	RET()
}
