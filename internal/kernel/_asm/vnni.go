// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// vnniProducts are the products of groups of so many codes of 32 bits together by VNNI, which
// adds those of a group to a sum of 32 bits.
type vnniProducts struct {
	name, generic string
	each          int
	add           func(panel, x, sum VecVirtual)
}

// bytes returns the size of a code.
func (g *vnniProducts) bytes() uint8 { return uint8(4 / g.each) }

// vnniKernels generates the kernels of products of integers on processors with AVX-512 and
// VNNI, of the shapes of those of real numbers.
func vnniKernels() {
	for _, g := range []vnniProducts{
		{"pair", "integerTilesGeneric", 2, func(panel, x, sum VecVirtual) { VPDPWSSD(panel, x, sum) }},
		{"four", "fourTilesGeneric", 4, func(panel, x, sum VecVirtual) { VPDPBUSD(panel, x, sum) }},
	} {
		for _, t := range []tile{
			{ZMM, 16, 24, 16, false, 4, &g},
			{ZMM, 16, 8, 16, false, 1, &g},
			{ZMM, 16, 12, 32, false, 1, &g},
			{ZMM, 16, 4, 32, false, 1, &g},
		} {
			t.generateIntegers()
		}
	}
}

// generateIntegers writes the micro-kernel of an integerTiling.
func (t tile) generateIntegers() {
	name := fmt.Sprintf("%sTiles%dx%dVNNI", t.integers.name, t.rows, t.columns)
	text(name, "c *float32, cRow *int32, a *int16, first int, aRow *int32, tiles int, b *int16, next int, aStep *int32, steps, cols int, accumulate bool, pitch int, less, scale *float32",
		fmt.Sprintf("%s computes whole tiles of an integerTiling of %ss; see %s.", name, t.integers.name, t.integers.generic))
	p := t.newProduct()
	Label("tile")
	p.begin()
	p.address()
	p.multiply()
	Label("store")
	p.storeMasked(Load(Param("cols"), GP64()), VPADDD)

	Label("next")
	ADDQ(Imm(uint64(4*t.rows)), NewParamAddr("cRow", 8))
	ADDQ(Imm(uint64(4*t.rows)), NewParamAddr("aRow", 32))
	DECQ(NewParamAddr("tiles", 40))
	JNE(LabelRef("tile"))
	VZEROUPPER()
	RET()
}

// takeAway takes from the sums of integers what there is to take away.
func (p *product) takeAway() {
	if p.integers == nil {
		return
	}
	less, x := Load(Param("less"), GP64()), p.vector()
	TESTQ(less, less)
	JEQ(LabelRef("sum"))
	for v := range p.panel {
		VMOVUPS(Mem{Base: less, Disp: 4 * p.lanes * v}, x)
		for _, row := range p.sums {
			VPSUBD(x, row[v], row[v])
		}
	}
	Label("sum")
}
