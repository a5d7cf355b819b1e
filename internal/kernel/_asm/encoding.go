// SPDX-License-Identifier: Apache-2.0

package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// Predicates of VCMPPS that are true of NaN, and of all others.
const (
	unordered = 3
	ordered   = 7
)

// ahead is how many bytes before they are read numbers are asked for, by kernels with so many instructions for a
// vector that a processor does not reach the loads of coming ones while it waits.
const ahead = 1024

// fetchAhead asks for the numbers that are ahead of a vector. There may be none: then it does nothing.
func fetchAhead(at Mem) { PREFETCHT0(at.Offset(ahead)) }

// encodings generates the kernels of an Encoding, of one tensor and of a sum.
func encodings() {
	encoding("encodeAVX2", false, "encodeAVX2 is Encoding.Store, without an addend, of whole vectors of channels; limits are its numbers from Floor to Most, and bits of bad are set where there was a number that is none.")
	encoding("encodeSumAVX2", true, "encodeSumAVX2 is encodeAVX2 with an addend.")
	encodingAVX512()
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
	fetchAhead(at(src))
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

// encodingAVX512 generates the kernel of AVX-512. It takes extremes before the limits, and cuts values off where their codes
// end, so that one pair of limits does for values and codes. It has no division, which takes longer than all else:
// of the inverse y of the step d, rounded to the nearest, the quotient of v is
//
//	q = v·y, and twice q ← q + (v − q·d)·y
//
// with fused multiply-adds, whose remainders are exact. The first brings q within a unit of the last place, from where the
// second gives the quotient rounded to the nearest (Markstein, "Computation of elementary functions on the IBM RISC
// System/6000 processor", 1990).
func encodingAVX512() {
	text("encodeAVX512", "dst *uint8, src, add, scale, shift *float32, rows, n int, limits *[5]float32, extremes *[2][16]float32) (bad int",
		"encodeAVX512 is Encoding.Store of whole vectors of channels, but for the limits of the extremes; add may be nil. limits are the least and the greatest value that have codes of their own, the step, its inverse and Least. Bits of bad are set where there was a number that is none.")
	add := Load(Param("add"), GP64())
	TESTQ(add, add)
	JNE(LabelRef("sum"))
	encodeLoops("plain", nil)
	Label("sum")
	encodeLoops("add", add)
}

// encodeLoops writes the loops over rows and channels, which return; add is nil without an addend.
func encodeLoops(label string, add Register) {
	dst, src := Load(Param("dst"), GP64()), Load(Param("src"), GP64())
	scale, shift := Load(Param("scale"), GP64()), Load(Param("shift"), GP64())
	rows, n := Load(Param("rows"), GP64()), Load(Param("n"), GP64())
	limits, extremes := Load(Param("limits"), GP64()), Load(Param("extremes"), GP64())
	var limit [5]VecVirtual
	for i := range limit {
		limit[i] = ZMM()
		VBROADCASTSS(Mem{Base: limits, Disp: 4 * i}, limit[i])
	}
	floor, ceil, step, inverse, least := limit[0], limit[1], limit[2], limit[3], limit[4]
	VCVTPS2DQ(least, least)
	lo, hi, numbers, c := ZMM(), ZMM(), K(), GP64()
	VMOVUPS(Mem{Base: extremes}, lo)
	VMOVUPS(Mem{Base: extremes, Disp: 64}, hi)
	KXNORW(numbers, numbers, numbers)
	Label(label + "Row")
	XORQ(c, c)
	Label(label + "Column")
	at := func(base Register) Mem { return Mem{Base: base, Index: c, Scale: 4} }
	v, q, rest := ZMM(), ZMM(), ZMM()
	fetchAhead(at(src))
	VMOVUPS(at(src), v)
	VMULPS(at(scale), v, v)
	VADDPS(at(shift), v, v)
	if add != nil {
		VADDPS(at(add), v, v)
	}
	VMINPS(lo, v, lo)
	VMAXPS(hi, v, hi)
	VCMPPS(Imm(ordered), v, v, numbers, numbers)
	VMAXPS(floor, v, v)
	VMINPS(ceil, v, v)
	VMULPS(inverse, v, q)
	for range 2 {
		VMOVAPS(v, rest)
		VFNMADD231PS(step, q, rest)
		VFMADD231PS(inverse, rest, q)
	}
	VCVTPS2DQ(q, q)
	VPSUBD(least, q, q)
	VPMOVDB(q, Mem{Base: dst, Index: c, Scale: 1})
	ADDQ(Imm(16), c)
	CMPQ(c, n)
	JLT(LabelRef(label + "Column"))
	ADDQ(n, dst)
	LEAQ(Mem{Base: src, Index: n, Scale: 4}, src)
	if add != nil {
		LEAQ(Mem{Base: add, Index: n, Scale: 4}, add)
	}
	DECQ(rows)
	JNE(LabelRef(label + "Row"))
	VMOVUPS(lo, Mem{Base: extremes})
	VMOVUPS(hi, Mem{Base: extremes, Disp: 64})
	KNOTW(numbers, numbers)
	bits := GP32()
	KMOVW(numbers, bits)
	Store(bits.As64(), Return("bad"))
	VZEROUPPER()
	RET()
}
