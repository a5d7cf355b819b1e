// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

const unroll = 4

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

// A tile is the shape of a micro-kernel: sums of rows by columns, which are
// columns of b times an element of a, or times columns of a.
type tile struct {
	vector        func() VecVirtual
	lanes         int
	rows, columns int
	perChannel    bool
	group         int // rows of a that lie pitch apart and share a pointer
}

// tableRows is how many pointers to groups of rows of a stay in registers; the
// others are read from the stack for every product.
const tableRows = 8

// generate writes the micro-kernel.
func (t tile) generate(mask Mem) {
	kind, tier, generic := "matrix", "AVX2", "matrixTilesGeneric"
	if t.perChannel {
		kind, generic = "channel", "channelTilesGeneric"
	}
	if t.lanes == 16 {
		tier = "AVX512"
	}
	name := fmt.Sprintf("%sTiles%dx%d%s", kind, t.rows, t.columns, tier)
	doc := fmt.Sprintf("%s computes whole tiles of a tiling; see %s.", name, generic)
	text(name, "c *float32, cRow *int32, a *float32, aRow *int32, tiles int, b *float32, ldb, next int, aStep *int32, steps, cols int, accumulate bool, pitch int", doc)
	wide := t.lanes == 16
	vectors := t.columns / t.lanes

	groups := t.rows / t.group
	rows := make([]GPVirtual, min(groups, tableRows))
	for i := range rows {
		rows[i] = GP64()
	}
	var spilled Mem
	if groups > tableRows {
		spilled = AllocLocal(8 * (groups - tableRows))
	}
	sums := make([][]VecVirtual, t.rows)
	for r := range sums {
		for range vectors {
			sums[r] = append(sums[r], t.vector())
		}
	}
	columns := make([]VecVirtual, vectors)
	for i := range columns {
		columns[i] = t.vector()
	}

	// rowOf returns the address of a row of c.
	base, table := GP64(), GP64()
	rowOf := func(i int) Mem {
		if i == 0 {
			Load(Param("c"), base)
			Load(Param("cRow"), table)
		}
		at := GP64()
		MOVLQSX(Mem{Base: table, Disp: 4 * i}, at)
		return Mem{Base: base, Index: at, Scale: 4}
	}
	ifAccumulate := func(otherwise string) {
		flag := GP8()
		Load(Param("accumulate"), flag)
		TESTB(flag, flag)
		JEQ(LabelRef(otherwise))
	}

	Label("tile")
	for _, row := range sums {
		for _, s := range row {
			VXORPS(s, s, s)
		}
	}
	if !t.perChannel {
		// Sums of few products leave no time to fetch c ahead of its use.
		for i := range sums {
			at := rowOf(i)
			for n := 0; n < t.columns; n += 16 {
				PREFETCHT0(at.Offset(4 * n))
			}
			if !wide {
				PREFETCHT0(at.Offset(4*t.columns - 4))
			}
		}
	}
	Load(Param("a"), base)
	Load(Param("aRow"), table)
	for i := range groups {
		row := GP64()
		if i < tableRows {
			row = rows[i]
		}
		MOVLQSX(Mem{Base: table, Disp: 4 * i * t.group}, row)
		LEAQ(Mem{Base: base, Index: row, Scale: 4}, row)
		if i >= tableRows {
			MOVQ(row, spilled.Offset(8*(i-tableRows)))
		}
	}
	b, step, count := Load(Param("b"), GP64()), Load(Param("aStep"), GP64()), Load(Param("steps"), GP64())
	left := AllocLocal(8)
	ldb := Load(Param("ldb"), GP64())
	SHLQ(Imm(2), ldb)
	offsets := make([]GPVirtual, t.group)
	for i := range offsets {
		offsets[i] = GP64()
	}
	next, pitch := base, table
	if t.columns > 16 {
		Load(Param("next"), next)
	}
	if t.group > 1 {
		Load(Param("pitch"), pitch)
	}

	one := func(i int) {
		MOVLQSX(Mem{Base: step, Disp: 4 * i}, offsets[0])
		for i := 1; i < t.group; i++ {
			LEAQ(Mem{Base: offsets[i-1], Index: pitch, Scale: 1}, offsets[i])
		}
		for v := range columns {
			at := Mem{Base: b, Disp: 4 * t.lanes * v}
			if t.lanes*v >= 16 {
				at = Mem{Base: b, Index: next, Scale: 4}
			}
			VMOVUPS(at, columns[v])
		}
		ADDQ(ldb, b)
		for r := range sums {
			row := GP64()
			if g := r / t.group; g < tableRows {
				row = rows[g]
			} else {
				MOVQ(spilled.Offset(8*(g-tableRows)), row)
			}
			at := Mem{Base: row, Index: offsets[r%t.group], Scale: 4}
			switch {
			case t.perChannel:
				for v := range columns {
					VFMADD231PS(at.Offset(4*t.lanes*v), columns[v], sums[r][v])
				}
			case wide && vectors == 1:
				VFMADD231PS_BCST(at, columns[0], sums[r][0])
			default:
				x := t.vector()
				VBROADCASTSS(at, x)
				for v := range columns {
					VFMADD231PS(x, columns[v], sums[r][v])
				}
			}
		}
	}
	SUBQ(Imm(unroll), count)
	JLT(LabelRef("rest"))
	MOVQ(count, left)
	Label("many")
	for i := range unroll {
		one(i)
	}
	ADDQ(Imm(4*unroll), step)
	SUBQ(Imm(unroll), left)
	JGE(LabelRef("many"))
	MOVQ(left, count)
	Label("rest")
	ADDQ(Imm(unroll), count)
	JE(LabelRef("store"))
	MOVQ(count, left)
	Label("single")
	one(0)
	ADDQ(Imm(4), step)
	DECQ(left)
	JNE(LabelRef("single"))

	Label("store")
	cols := Load(Param("cols"), GP64())
	if wide {
		t.storeMasked(rowOf, sums, cols, ifAccumulate)
	} else {
		t.storePartly(rowOf, sums, columns, cols, mask, ifAccumulate)
	}

	Label("next")
	ADDQ(Imm(uint64(4*t.rows)), NewParamAddr("cRow", 8))
	ADDQ(Imm(uint64(4*t.rows)), NewParamAddr("aRow", 24))
	DECQ(NewParamAddr("tiles", 32))
	JNE(LabelRef("tile"))
	VZEROUPPER()
	RET()
}

// storePartly stores the first cols columns by AVX2.
func (t tile) storePartly(rowOf func(int) Mem, sums [][]VecVirtual, masks []VecVirtual, cols Register, mask Mem, ifAccumulate func(string)) {
	CMPQ(cols, Imm(uint64(t.columns)))
	JNE(LabelRef("partial"))
	ifAccumulate("whole")
	for i, row := range sums {
		at := rowOf(i)
		for v, s := range row {
			VADDPS(at.Offset(4*t.lanes*v), s, s)
		}
	}
	Label("whole")
	for i, row := range sums {
		at := rowOf(i)
		for v, s := range row {
			VMOVUPS(s, at.Offset(4*t.lanes*v))
		}
	}
	JMP(LabelRef("next"))

	Label("partial")
	table := GP64()
	NEGQ(cols)
	LEAQ(mask, table)
	for v, m := range masks {
		VMOVDQU(Mem{Base: table, Index: cols, Scale: 4, Disp: 4 * (16 + t.lanes*v)}, m)
	}
	ifAccumulate("masked")
	for i, row := range sums {
		at := rowOf(i)
		for v, s := range row {
			old := t.vector()
			VMASKMOVPS(at.Offset(4*t.lanes*v), masks[v], old)
			VADDPS(old, s, s)
		}
	}
	Label("masked")
	for i, row := range sums {
		at := rowOf(i)
		for v, s := range row {
			VMASKMOVPS(s, masks[v], at.Offset(4*t.lanes*v))
		}
	}
}

// storeMasked stores the first cols columns by AVX-512; all are in the last vector.
func (t tile) storeMasked(rowOf func(int) Mem, sums [][]VecVirtual, cols Register, ifAccumulate func(string)) {
	bits, mask := GP64(), K()
	last := len(sums[0]) - 1
	if last > 0 {
		SUBQ(Imm(uint64(t.lanes*last)), cols)
	}
	MOVQ(I32(-1), bits)
	BZHIQ(cols, bits, bits)
	KMOVW(bits.As32(), mask)
	ifAccumulate("store1")
	for i, row := range sums {
		at := rowOf(i)
		for _, s := range row[:last] {
			VADDPS(at, s, s)
		}
		old := t.vector()
		VMOVUPS_Z(at.Offset(4*t.lanes*last), mask, old)
		VADDPS(old, row[last], row[last])
	}
	Label("store1")
	for i, row := range sums {
		at := rowOf(i)
		for _, s := range row[:last] {
			VMOVUPS(s, at)
		}
		VMOVUPS(row[last], mask, at.Offset(4*t.lanes*last))
	}
}
