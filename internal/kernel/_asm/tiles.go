// SPDX-License-Identifier: Apache-2.0

package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

const (
	tileRows = 6
	unroll   = 4
)

// columnMask holds 16 words of all ones followed by 16 of zeros: read from
// 16-n words on, it selects the first n of 16 columns.
func columnMask() Mem {
	m := GLOBL("columnMask", RODATA|NOPTR)
	for i := range 16 {
		DATA(4*i, U32(0xffffffff))
	}
	for i := 16; i < 32; i++ {
		DATA(4*i, U32(0))
	}
	return m
}

// tiles generates a micro-kernel of 6 x 16 sums: twelve registers of sums, two
// of columns of b, and one for an element of a.
func tiles(name, doc string, perChannel bool, mask Mem) {
	text(name, "c *float32, cRow *int32, a *float32, aRow *int32, tiles int, b *float32, ldb int, aStep *int32, steps, cols int, accumulate bool", doc)

	aRow := Load(Param("aRow"), GP64())
	cRow := Load(Param("cRow"), GP64())
	ldb := Load(Param("ldb"), GP64())
	SHLQ(Imm(2), ldb)

	var rows [tileRows]GPVirtual
	for i := range rows {
		rows[i] = GP64()
	}
	var sums [tileRows][2]VecVirtual
	for i := range sums {
		sums[i] = [2]VecVirtual{YMM(), YMM()}
	}
	low, high, x := YMM(), YMM(), YMM()
	b, step, count, offset := GP64(), GP64(), GP64(), GP64()

	rowsOf := func(base string, table Register) {
		at := GP64()
		Load(Param(base), at)
		for i, r := range rows {
			MOVLQSX(Mem{Base: table, Disp: 4 * i}, r)
			LEAQ(Mem{Base: at, Index: r, Scale: 4}, r)
		}
	}

	ifAccumulate := func(otherwise string) {
		flag := GP8()
		Load(Param("accumulate"), flag)
		TESTB(flag, flag)
		JEQ(LabelRef(otherwise))
	}

	Label("tile")
	for _, s := range sums {
		VXORPS(s[0], s[0], s[0])
		VXORPS(s[1], s[1], s[1])
	}
	if !perChannel {
		// Sums of few products leave no time to fetch c ahead of its use.
		rowsOf("c", cRow)
		for _, r := range rows {
			PREFETCHT0(Mem{Base: r})
			PREFETCHT0(Mem{Base: r, Disp: 60})
		}
	}

	rowsOf("a", aRow)
	Load(Param("b"), b)
	Load(Param("aStep"), step)
	Load(Param("steps"), count)

	one := func(i int) {
		MOVLQSX(Mem{Base: step, Disp: 4 * i}, offset)
		VMOVUPS(Mem{Base: b}, low)
		VMOVUPS(Mem{Base: b, Disp: 32}, high)
		ADDQ(ldb, b)
		for r := range rows {
			at := Mem{Base: rows[r], Index: offset, Scale: 4}
			if perChannel {
				VFMADD231PS(at, low, sums[r][0])
				VFMADD231PS(at.Offset(32), high, sums[r][1])
			} else {
				VBROADCASTSS(at, x)
				VFMADD231PS(x, low, sums[r][0])
				VFMADD231PS(x, high, sums[r][1])
			}
		}
	}
	SUBQ(Imm(unroll), count)
	JLT(LabelRef("rest"))
	Label("many")
	for i := range unroll {
		one(i)
	}
	ADDQ(Imm(4*unroll), step)
	SUBQ(Imm(unroll), count)
	JGE(LabelRef("many"))
	Label("rest")
	ADDQ(Imm(unroll), count)
	JE(LabelRef("store"))
	Label("single")
	one(0)
	ADDQ(Imm(4), step)
	DECQ(count)
	JNE(LabelRef("single"))

	Label("store")
	rowsOf("c", cRow)
	cols := GP64()
	Load(Param("cols"), cols)
	CMPQ(cols, Imm(16))
	JNE(LabelRef("partial"))
	ifAccumulate("whole")
	for i, s := range sums {
		VADDPS(Mem{Base: rows[i]}, s[0], s[0])
		VADDPS(Mem{Base: rows[i], Disp: 32}, s[1], s[1])
	}
	Label("whole")
	for i, s := range sums {
		VMOVUPS(s[0], Mem{Base: rows[i]})
		VMOVUPS(s[1], Mem{Base: rows[i], Disp: 32})
	}
	JMP(LabelRef("next"))

	Label("partial")
	table := GP64()
	NEGQ(cols)
	LEAQ(mask, table)
	VMOVDQU(Mem{Base: table, Index: cols, Scale: 4, Disp: 64}, low)
	VMOVDQU(Mem{Base: table, Index: cols, Scale: 4, Disp: 96}, high)
	ifAccumulate("masked")
	for i, s := range sums {
		VMASKMOVPS(Mem{Base: rows[i]}, low, x)
		VADDPS(x, s[0], s[0])
		VMASKMOVPS(Mem{Base: rows[i], Disp: 32}, high, x)
		VADDPS(x, s[1], s[1])
	}
	Label("masked")
	for i, s := range sums {
		VMASKMOVPS(s[0], low, Mem{Base: rows[i]})
		VMASKMOVPS(s[1], high, Mem{Base: rows[i], Disp: 32})
	}

	Label("next")
	ADDQ(Imm(4*tileRows), aRow)
	ADDQ(Imm(4*tileRows), cRow)
	left := NewParamAddr("tiles", 32)
	DECQ(left)
	JNE(LabelRef("tile"))
	VZEROUPPER()
	RET()
}
