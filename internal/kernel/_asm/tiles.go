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
	group         int           // rows of a that lie pitch apart and share a pointer
	integers      *vnniProducts // of codes, nil for those of real numbers
}

// tableRows is how many pointers to groups of rows of a stay in registers; the
// others are read from the stack for every product.
const tableRows = 8

// A product is a micro-kernel that is being written.
type product struct {
	tile
	pointers     []GPVirtual // to groups of rows of a
	spilled      Mem         // those after them
	sums         [][]VecVirtual
	panel        []VecVirtual // a row of b
	base, table  GPVirtual
	b, step, ldb Register
	offsets      []GPVirtual // of the rows of a group
	next, pitch  GPVirtual
}

// generate writes the micro-kernel.
func (t tile) generate(mask Mem) {
	kind, tier, generic, arguments := "matrix", "AVX2", "matrixTilesGeneric", ""
	if t.perChannel {
		kind, generic, arguments = "channel", "channelTilesGeneric", ", scale *float32"
	}
	if t.lanes == 16 {
		tier = "AVX512"
	}
	name := fmt.Sprintf("%sTiles%dx%d%s", kind, t.rows, t.columns, tier)
	doc := fmt.Sprintf("%s computes whole tiles of a tiling; see %s.", name, generic)
	text(name, "c *float32, cRow *int32, a *float32, aRow *int32, tiles int, b *float32, ldb, next int, aStep *int32, steps, cols int, accumulate bool, pitch int"+arguments, doc)
	p := t.newProduct()
	Label("tile")
	p.begin()
	p.address()
	p.multiply()
	Label("store")
	cols := Load(Param("cols"), GP64())
	if t.lanes == 16 {
		p.storeMasked(cols, VADDPS)
	} else {
		p.storePartly(cols, mask)
	}

	Label("next")
	ADDQ(Imm(uint64(4*t.rows)), NewParamAddr("cRow", 8))
	ADDQ(Imm(uint64(4*t.rows)), NewParamAddr("aRow", 24))
	DECQ(NewParamAddr("tiles", 32))
	JNE(LabelRef("tile"))
	VZEROUPPER()
	RET()
}

// newProduct returns a product with its registers.
func (t tile) newProduct() *product {
	groups := t.rows / t.group
	p := &product{tile: t, pointers: make([]GPVirtual, min(groups, tableRows)), sums: make([][]VecVirtual, t.rows), panel: make([]VecVirtual, t.columns/t.lanes)}
	for i := range p.pointers {
		p.pointers[i] = GP64()
	}
	if groups > tableRows {
		p.spilled = AllocLocal(8 * (groups - tableRows))
	}
	for r := range p.sums {
		for range p.panel {
			p.sums[r] = append(p.sums[r], t.vector())
		}
	}
	for i := range p.panel {
		p.panel[i] = t.vector()
	}
	p.base, p.table = GP64(), GP64()
	return p
}

// rowOf returns the address of a row of c.
func (p *product) rowOf(i int) Mem {
	if i == 0 {
		Load(Param("c"), p.base)
		Load(Param("cRow"), p.table)
	}
	at := GP64()
	MOVLQSX(Mem{Base: p.table, Disp: 4 * i}, at)
	return Mem{Base: p.base, Index: at, Scale: 4}
}

// ifAccumulate jumps where the products are not to be added to c.
func ifAccumulate(otherwise string) {
	flag := GP8()
	Load(Param("accumulate"), flag)
	TESTB(flag, flag)
	JEQ(LabelRef(otherwise))
}

// bytes returns the size of an element of a.
func (t tile) bytes() uint8 {
	if t.integers == nil {
		return 4
	}
	return t.integers.bytes()
}

// begin clears the sums.
func (p *product) begin() {
	for _, row := range p.sums {
		for _, s := range row {
			VXORPS(s, s, s)
		}
	}
	if p.perChannel {
		return
	}
	// Sums of few products leave no time to fetch c ahead of its use.
	for i := range p.sums {
		at := p.rowOf(i)
		for n := 0; n < p.columns; n += 16 {
			PREFETCHT0(at.Offset(4 * n))
		}
		if p.lanes < 16 {
			PREFETCHT0(at.Offset(4*p.columns - 4))
		}
	}
}

// address computes where the rows of a are.
func (p *product) address() {
	Load(Param("a"), p.base)
	if p.integers != nil {
		Load(Param("first"), p.table)
		LEAQ(Mem{Base: p.base, Index: p.table, Scale: p.bytes()}, p.base)
	}
	Load(Param("aRow"), p.table)
	for i := range p.rows / p.group {
		row := GP64()
		if i < tableRows {
			row = p.pointers[i]
		}
		MOVLQSX(Mem{Base: p.table, Disp: 4 * i * p.group}, row)
		LEAQ(Mem{Base: p.base, Index: row, Scale: p.bytes()}, row)
		if i >= tableRows {
			MOVQ(row, p.spilled.Offset(8*(i-tableRows)))
		}
	}
}

// multiply adds the products of all steps.
func (p *product) multiply() {
	p.b, p.step = Load(Param("b"), GP64()), Load(Param("aStep"), GP64())
	count := Load(Param("steps"), GP64())
	left := AllocLocal(8)
	if p.integers == nil {
		p.ldb = Load(Param("ldb"), GP64())
		SHLQ(Imm(2), p.ldb)
	}
	p.offsets = make([]GPVirtual, p.group)
	for i := range p.offsets {
		p.offsets[i] = GP64()
	}
	p.next, p.pitch = p.base, p.table
	if p.columns > 16 {
		Load(Param("next"), p.next)
	}
	if p.group > 1 {
		Load(Param("pitch"), p.pitch)
	}
	SUBQ(Imm(unroll), count)
	JLT(LabelRef("rest"))
	MOVQ(count, left)
	Label("many")
	for i := range unroll {
		p.one(i)
	}
	ADDQ(Imm(4*unroll), p.step)
	SUBQ(Imm(unroll), left)
	JGE(LabelRef("many"))
	MOVQ(left, count)
	Label("rest")
	ADDQ(Imm(unroll), count)
	JE(LabelRef("store"))
	MOVQ(count, left)
	Label("single")
	p.one(0)
	ADDQ(Imm(4), p.step)
	DECQ(left)
	JNE(LabelRef("single"))
}

// one adds the products of a step.
func (p *product) one(i int) {
	MOVLQSX(Mem{Base: p.step, Disp: 4 * i}, p.offsets[0])
	for i := 1; i < p.group; i++ {
		LEAQ(Mem{Base: p.offsets[i-1], Index: p.pitch, Scale: 1}, p.offsets[i])
	}
	for v := range p.panel {
		at := Mem{Base: p.b, Disp: 4 * p.lanes * v}
		if p.lanes*v >= 16 {
			at = Mem{Base: p.b, Index: p.next, Scale: 4}
		}
		VMOVUPS(at, p.panel[v])
	}
	p.advance()
	for r := range p.sums {
		row := GP64()
		if g := r / p.group; g < tableRows {
			row = p.pointers[g]
		} else {
			MOVQ(p.spilled.Offset(8*(g-tableRows)), row)
		}
		at := Mem{Base: row, Index: p.offsets[r%p.group], Scale: p.bytes()}
		switch {
		case p.integers != nil:
			x := p.vector()
			VPBROADCASTD(at, x)
			for v := range p.panel {
				p.integers.add(p.panel[v], x, p.sums[r][v])
			}
		case p.perChannel:
			for v := range p.panel {
				VFMADD231PS(at.Offset(4*p.lanes*v), p.panel[v], p.sums[r][v])
			}
		case p.lanes == 16 && len(p.panel) == 1:
			VFMADD231PS_BCST(at, p.panel[0], p.sums[r][0])
		default:
			x := p.vector()
			VBROADCASTSS(at, x)
			for v := range p.panel {
				VFMADD231PS(x, p.panel[v], p.sums[r][v])
			}
		}
	}
}

// advance goes on to the next row of the panels; those of codes lie one after the other.
func (p *product) advance() {
	if p.integers == nil {
		ADDQ(p.ldb, p.b)
	} else {
		ADDQ(Imm(64), p.b)
	}
}

// scaleSums makes the sums of integers real numbers, if there are scales, to be stored after
// the label.
func (p *product) scaleSums(label string) {
	if p.integers == nil && !p.perChannel {
		Label(label)
		return
	}
	scale, x := Load(Param("scale"), GP64()), p.vector()
	TESTQ(scale, scale)
	JEQ(LabelRef(label))
	for v := range p.panel {
		VMOVUPS(Mem{Base: scale, Disp: 4 * p.lanes * v}, x)
		for _, row := range p.sums {
			if p.integers != nil {
				VCVTDQ2PS(row[v], row[v])
			}
			VMULPS(x, row[v], row[v])
		}
	}
	Label(label)
}

// storePartly stores the first cols columns by AVX2.
func (p *product) storePartly(cols Register, mask Mem) {
	CMPQ(cols, Imm(uint64(p.columns)))
	JNE(LabelRef("partial"))
	ifAccumulate("whole")
	for i, row := range p.sums {
		at := p.rowOf(i)
		for v, s := range row {
			VADDPS(at.Offset(4*p.lanes*v), s, s)
		}
	}
	Label("whole")
	p.scaleSums("storeWhole")
	for i, row := range p.sums {
		at := p.rowOf(i)
		for v, s := range row {
			VMOVUPS(s, at.Offset(4*p.lanes*v))
		}
	}
	JMP(LabelRef("next"))

	Label("partial")
	table := GP64()
	NEGQ(cols)
	LEAQ(mask, table)
	for v, m := range p.panel {
		VMOVDQU(Mem{Base: table, Index: cols, Scale: 4, Disp: 4 * (16 + p.lanes*v)}, m)
	}
	ifAccumulate("masked")
	for i, row := range p.sums {
		at := p.rowOf(i)
		for v, s := range row {
			old := p.vector()
			VMASKMOVPS(at.Offset(4*p.lanes*v), p.panel[v], old)
			VADDPS(old, s, s)
		}
	}
	Label("masked")
	p.scaleSums("storeMasked")
	for i, row := range p.sums {
		at := p.rowOf(i)
		for v, s := range row {
			VMASKMOVPS(s, p.panel[v], at.Offset(4*p.lanes*v))
		}
	}
}

// storeMasked stores the first cols columns by AVX-512; all are in the last vector. What c
// holds is added first.
func (p *product) storeMasked(cols Register, add func(ops ...Op)) {
	bits, mask := GP64(), K()
	last := len(p.panel) - 1
	if last > 0 {
		SUBQ(Imm(uint64(p.lanes*last)), cols)
	}
	MOVQ(I32(-1), bits)
	BZHIQ(cols, bits, bits)
	KMOVW(bits.As32(), mask)
	ifAccumulate("store1")
	for i, row := range p.sums {
		at := p.rowOf(i)
		for _, s := range row[:last] {
			add(at, s, s)
		}
		old := p.vector()
		VMOVUPS_Z(at.Offset(4*p.lanes*last), mask, old)
		add(old, row[last], row[last])
	}
	Label("store1")
	p.takeAway()
	p.scaleSums("store2")
	for i, row := range p.sums {
		at := p.rowOf(i)
		for _, s := range row[:last] {
			VMOVUPS(s, at)
		}
		VMOVUPS(row[last], mask, at.Offset(4*p.lanes*last))
	}
}
