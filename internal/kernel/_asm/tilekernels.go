// SPDX-License-Identifier: Apache-2.0

package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// tileKernels generates what is around products of tiles, on vectors of AVX2: what brings numbers to bfloat16, and makes
// numbers of sums of codes.
func tileKernels() {
	splitRows()
	pairRows()
	scaleSums()
}

// splitRows generates the three parts of rows of 16 numbers: what the upper half of a number holds, then that of the rest, then
// the rest of that.
func splitRows() {
	text("splitRowsAVX2", "dst *int16, pitch, part int, src *float32, rows int", "splitRowsAVX2 is splitRows of a positive number of rows.")
	dst, pitch, part := Load(Param("dst"), GP64()), Load(Param("pitch"), GP64()), Load(Param("part"), GP64())
	src, rows := Load(Param("src"), GP64()), Load(Param("rows"), GP64())
	ADDQ(pitch, pitch)
	ADDQ(part, part)
	mask := YMM()
	VPCMPEQD(mask, mask, mask)
	VPSLLD(Imm(16), mask, mask)
	Label("loop")
	var rest [2]VecVirtual
	for i := range rest {
		rest[i] = YMM()
		VMOVUPS(Mem{Base: src, Disp: 32 * i}, rest[i])
	}
	for k := range 3 {
		var upper [2]VecVirtual
		for i := range rest {
			upper[i] = YMM()
			if k < 2 {
				high := YMM()
				VPAND(mask, rest[i], high)
				VSUBPS(high, rest[i], rest[i])
				VPSRLD(Imm(16), high, upper[i])
			} else {
				VPSRLD(Imm(16), rest[i], upper[i])
			}
		}
		VPACKUSDW(upper[1], upper[0], upper[0])
		VPERMQ(Imm(0xd8), upper[0], upper[0])
		to := Mem{Base: dst}
		if k > 0 {
			to.Index, to.Scale = part, uint8(k)
		}
		VMOVDQU(upper[0], to)
	}
	ADDQ(Imm(64), src)
	ADDQ(pitch, dst)
	DECQ(rows)
	JNE(LabelRef("loop"))
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
