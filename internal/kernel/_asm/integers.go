// SPDX-License-Identifier: Apache-2.0

package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

const (
	integerRows    = 6
	integerColumns = 16
)

// integerKernels generates the kernels of products of integers, on vectors of AVX2.
func integerKernels(mask Mem) {
	integerGroups{
		name: "pair", each: 2, doc: "integerTilesGeneric",
		product: func(panel, x, to VecVirtual) { VPMADDWD(panel, x, to) },
		add:     func(x, sum VecVirtual) { VPADDD(x, sum, sum) },
	}.tiles(mask)
	integerGroups{
		name: "four", each: 4, doc: "fourTilesGeneric",
		product: func(panel, x, to VecVirtual) { VPMADDUBSW(panel, x, to) },
		add:     func(x, sum VecVirtual) { VPADDW(x, sum, sum) },
	}.tiles(mask)
	codes()
	readCodes()
	wholeSteps()
}

// integerGroups are the instructions for groups of so many codes of 32 bits together: the
// products, of which neighbours are added, and their sum. Sums of fours are of 16 bits, two
// for a column, until the end.
type integerGroups struct {
	name, doc string
	each      int
	product   func(panel, x, to VecVirtual)
	add       func(x, sum VecVirtual)
}

// tiles generates the micro-kernel of an integerTiling: the sums of 6 rows by 16 columns in
// 12 registers.
func (g integerGroups) tiles(mask Mem) {
	text(g.name+"Tiles6x16AVX2", "c *float32, cRow *int32, a *int16, first int, aRow *int32, tiles int, b *int16, aGroup *int32, groups, cols int, accumulate bool, less, scale *float32",
		g.name+"Tiles6x16AVX2 computes whole tiles of an integerTiling of "+g.name+"s; see "+g.doc+".")
	var sums [integerRows][2]VecVirtual
	for r := range sums {
		sums[r] = [2]VecVirtual{YMM(), YMM()}
	}
	panel := [2]VecVirtual{YMM(), YMM()}
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

	Label("tile")
	for _, row := range sums {
		for _, s := range row {
			VPXOR(s, s, s)
		}
	}
	for i := range sums {
		at := rowOf(i)
		PREFETCHT0(at)
		PREFETCHT0(at.Offset(4*integerColumns - 4))
	}
	g.products(&sums, panel, base, table)

	Label("store")
	if g.each == 4 {
		g.widen(&sums, panel[0])
	}
	flag := GP8()
	Load(Param("accumulate"), flag)
	cols, scale := Load(Param("cols"), GP64()), Load(Param("scale"), GP64())
	whole := integerSteps{rowOf: rowOf, sums: &sums, panel: panel, flag: flag, scale: scale}
	CMPQ(cols, Imm(integerColumns))
	JNE(LabelRef("partial"))
	whole.store("whole", nil)
	Label("partial")
	masks := GP64()
	NEGQ(cols)
	LEAQ(mask, masks)
	whole.store("masked", func(v int, to VecVirtual) {
		VMOVDQU(Mem{Base: masks, Index: cols, Scale: 4, Disp: 4 * (16 + 8*v)}, to)
	})

	Label("next")
	ADDQ(Imm(4*integerRows), NewParamAddr("cRow", 8))
	ADDQ(Imm(4*integerRows), NewParamAddr("aRow", 32))
	DECQ(NewParamAddr("tiles", 40))
	JNE(LabelRef("tile"))
	VZEROUPPER()
	RET()
}

// widen makes sums of 16 bits, two for a column, such of 32 bits.
func (g integerGroups) widen(sums *[integerRows][2]VecVirtual, ones VecVirtual) {
	VPCMPEQW(ones, ones, ones)
	VPSRLW(Imm(15), ones, ones)
	for _, row := range sums {
		for _, s := range row {
			VPMADDWD(ones, s, s)
		}
	}
}

// products adds the products of all groups to the sums.
func (g integerGroups) products(sums *[integerRows][2]VecVirtual, panel [2]VecVirtual, base, table GPVirtual) {
	var rows [integerRows]GPVirtual
	scale := uint8(4 / g.each) // bytes of a code
	Load(Param("a"), base)
	Load(Param("first"), table)
	LEAQ(Mem{Base: base, Index: table, Scale: scale}, base)
	Load(Param("aRow"), table)
	for i := range rows {
		rows[i] = GP64()
		MOVLQSX(Mem{Base: table, Disp: 4 * i}, rows[i])
		LEAQ(Mem{Base: base, Index: rows[i], Scale: scale}, rows[i])
	}
	b, group, left := Load(Param("b"), GP64()), Load(Param("aGroup"), GP64()), Load(Param("groups"), GP64())
	one := func(i int) {
		offset := GP64()
		MOVLQSX(Mem{Base: group, Disp: 4 * i}, offset)
		for v := range panel {
			VMOVDQU(Mem{Base: b, Disp: 64*i + 32*v}, panel[v])
		}
		for r := range rows {
			x, product := YMM(), YMM()
			VPBROADCASTD(Mem{Base: rows[r], Index: offset, Scale: scale}, x)
			g.product(panel[0], x, product)
			g.add(product, sums[r][0])
			g.product(panel[1], x, x)
			g.add(x, sums[r][1])
		}
	}
	SUBQ(Imm(unroll), left)
	JLT(LabelRef("rest"))
	Label("many")
	for i := range unroll {
		one(i)
	}
	ADDQ(Imm(4*unroll), group)
	ADDQ(U32(64*unroll), b)
	SUBQ(Imm(unroll), left)
	JGE(LabelRef("many"))
	Label("rest")
	ADDQ(Imm(unroll), left)
	JE(LabelRef("store"))
	Label("single")
	one(0)
	ADDQ(Imm(4), group)
	ADDQ(Imm(64), b)
	DECQ(left)
	JNE(LabelRef("single"))
}

// integerSteps is what becomes of the sums at the end of a tile.
type integerSteps struct {
	rowOf func(int) Mem
	sums  *[integerRows][2]VecVirtual
	panel [2]VecVirtual
	flag  GPVirtual
	scale Register
}

// store adds what c holds, if the products are to be added to it, takes away what there is to
// take away, makes the sums real numbers, if there are scales, and stores them, where masks
// select columns.
func (p integerSteps) store(name string, masks func(v int, to VecVirtual)) {
	each := func(f func(at Mem, v int, s VecVirtual)) {
		for i, row := range p.sums {
			at := p.rowOf(i)
			for v, s := range row {
				f(at.Offset(32*v), v, s)
			}
		}
	}
	load := func() {
		for v := range p.panel {
			if masks != nil {
				masks(v, p.panel[v])
			}
		}
	}
	TESTB(p.flag, p.flag)
	JEQ(LabelRef(name + "New"))
	load()
	each(func(at Mem, v int, s VecVirtual) {
		if masks == nil {
			VPADDD(at, s, s)
			return
		}
		old := YMM()
		VPMASKMOVD(at, p.panel[v], old)
		VPADDD(old, s, s)
	})
	Label(name + "New")
	less := Load(Param("less"), GP64())
	TESTQ(less, less)
	JEQ(LabelRef(name + "Sum"))
	for v := range p.panel {
		VMOVDQU(Mem{Base: less, Disp: 32 * v}, p.panel[v])
	}
	for _, row := range p.sums {
		for v, s := range row {
			VPSUBD(p.panel[v], s, s)
		}
	}
	Label(name + "Sum")
	TESTQ(p.scale, p.scale)
	JEQ(LabelRef(name + "Store"))
	for v := range p.panel {
		VMOVUPS(Mem{Base: p.scale, Disp: 32 * v}, p.panel[v])
	}
	for _, row := range p.sums {
		for v, s := range row {
			VCVTDQ2PS(s, s)
			VMULPS(p.panel[v], s, s)
		}
	}
	Label(name + "Store")
	load()
	each(func(at Mem, v int, s VecVirtual) {
		if masks == nil {
			VMOVUPS(s, at)
			return
		}
		VMASKMOVPS(s, p.panel[v], at)
	})
	JMP(LabelRef("next"))
}

// codes generates the rounding of real numbers to integers of 16 bits, and to their low 8.
func codes() {
	for _, c := range []struct {
		name, dst, doc string
		bytes          int
	}{{"codesAVX2", "dst *int16", "Codes", 2}, {"narrowCodesAVX2", "dst *uint8", "NarrowCodes", 1}} {
		arguments := c.dst + ", src *float32, n int, inverse float32"
		if c.bytes == 1 {
			arguments += ", zero uint8"
		}
		text(c.name, arguments+") (bad int", c.name+" is "+c.doc+" of n elements, a positive multiple of 16; bits of bad are set where there was a number that is none.")
		dst, src, n := Load(Param("dst"), GP64()), Load(Param("src"), GP64()), Load(Param("n"), GP64())
		inverse, none, bad, low8 := broadcast("inverse"), YMM(), YMM(), YMM()
		zero := XMM()
		if c.bytes == 1 {
			broadcastInteger("zero", VPBROADCASTB, zero)
		}
		VPXOR(bad, bad, bad)
		VPCMPEQW(none, none, none)
		VPSRLW(Imm(8), none, low8)
		VPSLLW(Imm(15), none, none) // what becomes of NaN
		Label("loop")
		low, high := YMM(), YMM()
		VMULPS(Mem{Base: src}, inverse, low)
		VMULPS(Mem{Base: src, Disp: 32}, inverse, high)
		VCVTPS2DQ(low, low)
		VCVTPS2DQ(high, high)
		VPACKSSDW(high, low, low)
		VPERMQ(Imm(0b11011000), low, low)
		if c.bytes == 2 {
			VMOVDQU(low, Mem{Base: dst})
		} else {
			VPAND(low8, low, high)
			half := XMM()
			VEXTRACTI128(Imm(1), high, half)
			VPACKUSWB(half, high.AsX(), half)
			VPADDB(zero, half, half)
			VMOVDQU(half, Mem{Base: dst})
		}
		VPCMPEQW(none, low, low)
		VPOR(low, bad, bad)
		ADDQ(Imm(64), src)
		ADDQ(Imm(uint64(16*c.bytes)), dst)
		SUBQ(Imm(16), n)
		JNE(LabelRef("loop"))
		bits := GP64()
		VPMOVMSKB(bad, bits.As32())
		Store(bits, Return("bad"))
		VZEROUPPER()
		RET()
	}
}

// broadcastInteger loads an integer argument into every lane of v.
func broadcastInteger(name string, broadcast func(ops ...Op), v VecVirtual) {
	address, err := Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	broadcast(address.Addr, v)
}

// readCodes generates what makes of bytes real numbers, and integers of 16 bits.
func readCodes() {
	text("readCodesAVX2", "dst *float32, src *uint8, n int, zero, step float32", "readCodesAVX2 is ReadCodes of n elements, a positive multiple of 8.")
	dst, src, n := Load(Param("dst"), GP64()), Load(Param("src"), GP64()), Load(Param("n"), GP64())
	zero, step, v := broadcast("zero"), broadcast("step"), YMM()
	Label("loop")
	VPMOVZXBD(Mem{Base: src}, v)
	VCVTDQ2PS(v, v)
	VSUBPS(zero, v, v)
	VMULPS(step, v, v)
	VMOVUPS(v, Mem{Base: dst})
	ADDQ(Imm(8), src)
	ADDQ(Imm(32), dst)
	SUBQ(Imm(8), n)
	JNE(LabelRef("loop"))
	VZEROUPPER()
	RET()

	text("widenCodesAVX2", "dst *int16, src *uint8, n int, zero int16", "widenCodesAVX2 is widenCodes of n elements, a positive multiple of 16.")
	dst, src, n = Load(Param("dst"), GP64()), Load(Param("src"), GP64()), Load(Param("n"), GP64())
	zero, v = YMM(), YMM()
	broadcastInteger("zero", VPBROADCASTW, zero)
	Label("loop")
	VPMOVZXBW(Mem{Base: src}, v)
	VPSUBW(zero, v, v)
	VMOVDQU(v, Mem{Base: dst})
	ADDQ(Imm(16), src)
	ADDQ(Imm(32), dst)
	SUBQ(Imm(16), n)
	JNE(LabelRef("loop"))
	VZEROUPPER()
	RET()
}
