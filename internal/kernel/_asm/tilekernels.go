// SPDX-License-Identifier: Apache-2.0

package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// tileKernels generates what is around products of tiles, what brings numbers to bfloat16, and makes
// numbers of sums of codes.
func tileKernels() {
	splitScaled()
	pairParts()
	pairRows()
	scaleSums()
}

// splitScaled generates the three parts of numbers times their scales, 32 at a time, the last 16 alone: what the upper half of a number holds,
// then that of the rest, then the rest of that.
func splitScaled() {
	text("splitScaledAVX512", "dst *int16, part int, src, scale *float32, n, scales int", "splitScaledAVX512 is splitScaled of n numbers, a positive multiple of 16.")
	dst, part := Load(Param("dst"), GP64()), Load(Param("part"), GP64())
	src, scale := Load(Param("src"), GP64()), Load(Param("scale"), GP64())
	n, scales, at := Load(Param("n"), GP64()), Load(Param("scales"), GP64()), GP64()
	ADDQ(part, part)
	mask, order := ZMM(), ZMM()
	VPTERNLOGD(Imm(0xff), mask, mask, mask)
	VPSLLD(Imm(16), mask, mask)
	VMOVDQU16(upperHalves(), order)
	zero := GP64()
	XORQ(zero, zero)
	XORQ(at, at)
	next := func(i int) VecVirtual {
		v := ZMM()
		VMOVUPS(Mem{Base: src, Disp: 64 * i}, v)
		VMULPS(Mem{Base: scale, Index: at, Scale: 4}, v, v)
		ADDQ(Imm(16), at)
		CMPQ(at, scales)
		CMOVQEQ(zero, at)
		return v
	}
	store := func(vectors []VecVirtual, lower Register, put func(v VecVirtual, to Mem)) {
		for k := range 3 {
			packed := ZMM()
			VMOVDQU64(order, packed)
			VPERMI2W(lower, vectors[0], packed)
			to := Mem{Base: dst}
			if k > 0 {
				to.Index, to.Scale = part, uint8(k)
			}
			put(packed, to)
			for _, v := range vectors {
				if k < 2 {
					high := ZMM()
					VPANDD(mask, v, high)
					VSUBPS(high, v, v)
				}
			}
		}
	}
	SUBQ(Imm(32), n)
	JLT(LabelRef("last"))
	Label("loop")
	two := []VecVirtual{next(0), next(1)}
	store(two, two[1], func(v VecVirtual, to Mem) { VMOVDQU64(v, to) })
	ADDQ(U32(128), src)
	ADDQ(Imm(64), dst)
	SUBQ(Imm(32), n)
	JGE(LabelRef("loop"))
	Label("last")
	ADDQ(Imm(32), n)
	JE(LabelRef("done"))
	one := []VecVirtual{next(0)}
	store(one, one[0], func(v VecVirtual, to Mem) { VMOVDQU(v.AsY(), to) })
	Label("done")
	VZEROUPPER()
	RET()
}

// upperHalves are the places of the upper words of two vectors of 16 numbers.
func upperHalves() Mem {
	m := GLOBL("upperHalves", RODATA|NOPTR)
	for i := range 32 {
		DATA(2*i, U16(2*i+1))
	}
	return m
}

// pairParts generates pairs of parts of rows of numbers, 16 at a time.
func pairParts() {
	text("pairPartsAVX512", "dst *float32, part int, src *float32, at *int32, rows, n, pitch int", "pairPartsAVX512 is pairParts of n columns, a positive multiple of 16, of rows that lie pitch apart in dst.")
	dst, part := Load(Param("dst"), GP64()), Load(Param("part"), GP64())
	src, at, rows := Load(Param("src"), GP64()), Load(Param("at"), GP64()), Load(Param("rows"), GP64())
	n, pitch := Load(Param("n"), GP64()), Load(Param("pitch"), GP64())
	SHLQ(Imm(2), part)
	SUBQ(n, pitch)
	SHLQ(Imm(2), pitch)
	mask := ZMM()
	VPTERNLOGD(Imm(0xff), mask, mask, mask)
	VPSLLD(Imm(16), mask, mask)
	Label("row")
	var from [2]GPVirtual
	for i := range from {
		from[i] = GP64()
		MOVLQSX(Mem{Base: at, Disp: 4 * i}, from[i])
		LEAQ(Mem{Base: src, Index: from[i], Scale: 4}, from[i])
	}
	left := GP64()
	MOVQ(n, left)
	Label("columns")
	first, second, low, high := ZMM(), ZMM(), ZMM(), ZMM()
	VMOVUPS(Mem{Base: from[0]}, first)
	VMOVUPS(Mem{Base: from[1]}, second)
	for k := range 3 {
		to := Mem{Base: dst}
		if k > 0 {
			to.Index, to.Scale = part, uint8(k)
		}
		VPSRLD(Imm(16), first, low)
		VPANDD(mask, second, high)
		VPORD(high, low, low)
		VMOVUPS(low, to)
		if k < 2 {
			VSUBPS(high, second, second)
			VPANDD(mask, first, low)
			VSUBPS(low, first, first)
		}
	}
	for i := range from {
		ADDQ(Imm(64), from[i])
	}
	ADDQ(Imm(64), dst)
	SUBQ(Imm(16), left)
	JNE(LabelRef("columns"))
	ADDQ(pitch, dst)
	ADDQ(Imm(8), at)
	DECQ(rows)
	JNE(LabelRef("row"))
	VZEROUPPER()
	RET()
}

// pairRows generates panels of pairs of rows: of each column the upper halves of two numbers.
func pairRows() {
	text("pairRowsAVX2", "dst *int16, src *float32, at *int32, pairs int", "pairRowsAVX2 is pairRows of a positive number of pairs of rows.")
	dst, src, at, pairs := Load(Param("dst"), GP64()), Load(Param("src"), GP64()), Load(Param("at"), GP64()), Load(Param("pairs"), GP64())
	Label("loop")
	first, second := GP64(), GP64()
	MOVLQSX(Mem{Base: at}, first)
	MOVLQSX(Mem{Base: at, Disp: 4}, second)
	for i := range 2 {
		low := YMM()
		VMOVDQU(Mem{Base: src, Index: first, Scale: 4, Disp: 32 * i}, low)
		VPSRLD(Imm(16), low, low)
		VPBLENDW(Imm(0xaa), Mem{Base: src, Index: second, Scale: 4, Disp: 32 * i}, low, low)
		VMOVDQU(low, Mem{Base: dst, Disp: 32 * i})
	}
	ADDQ(Imm(8), at)
	ADDQ(Imm(64), dst)
	DECQ(pairs)
	JNE(LabelRef("loop"))
	VZEROUPPER()
	RET()
}

// scaleSums generates numbers of sums of int32, each times the scale of its column.
func scaleSums() {
	text("scaleSumsAVX2", "dst, scale *float32, rows, n int", "scaleSumsAVX2 is scaleSums of a positive number of rows of n columns, a positive multiple of 16.")
	dst, scale, rows, n := Load(Param("dst"), GP64()), Load(Param("scale"), GP64()), Load(Param("rows"), GP64()), Load(Param("n"), GP64())
	column := GP64()
	Label("row")
	XORQ(column, column)
	Label("columns")
	for i := range 2 {
		x := YMM()
		VCVTDQ2PS(Mem{Base: dst, Disp: 32 * i}, x)
		VMULPS(Mem{Base: scale, Index: column, Scale: 4, Disp: 32 * i}, x, x)
		VMOVUPS(x, Mem{Base: dst, Disp: 32 * i})
	}
	ADDQ(Imm(64), dst)
	ADDQ(Imm(16), column)
	CMPQ(column, n)
	JNE(LabelRef("columns"))
	DECQ(rows)
	JNE(LabelRef("row"))
	VZEROUPPER()
	RET()
}
