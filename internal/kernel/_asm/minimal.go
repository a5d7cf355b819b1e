// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// Constants of minimal filtering, as in minimal.go.
const (
	pointA, pointB   = 0.625, 1.5
	squareA, squareB = pointA * pointA, pointB * pointB
	cubeA, cubeB     = pointA * squareA, pointB * squareB
	pointProduct     = squareA * squareB
	pointSum         = squareA + squareB
	share0           = 1 / pointProduct
	shareA           = 1 / (2 * squareA * (squareA - squareB))
	shareB           = 1 / (2 * squareB * (squareB - squareA))
)

// minimalConstants holds a vector of each constant that a transformation multiplies with.
type minimalConstants struct {
	mem Mem
	at  map[float32]int
}

func newMinimalConstants() *minimalConstants {
	c := &minimalConstants{GLOBL("minimalConstants", RODATA|NOPTR), map[float32]int{}}
	for _, v := range []float32{pointA, pointB, squareA, squareB, cubeA, cubeB, pointProduct, pointSum, share0, shareA, shareB} {
		at := 4 * lanes * len(c.at)
		for i := range lanes {
			DATA(at+4*i, U32(math.Float32bits(v)))
		}
		c.at[v] = at
	}
	return c
}

func (c *minimalConstants) of(v float32) Mem { return c.mem.Offset(c.at[v]) }

// added returns x + k·v, and taken x - k·v, each rounded once.
func (c *minimalConstants) added(x VecVirtual, k float32, v VecVirtual) VecVirtual {
	y := YMM()
	VMOVAPS(x, y)
	VFMADD231PS(c.of(k), v, y)
	return y
}

func (c *minimalConstants) taken(x VecVirtual, k float32, v VecVirtual) VecVirtual {
	y := YMM()
	VMOVAPS(x, y)
	VFNMADD231PS(c.of(k), v, y)
	return y
}

func (c *minimalConstants) times(k float32, v VecVirtual) VecVirtual {
	y := YMM()
	VMULPS(c.of(k), v, y)
	return y
}

func sum(x, y VecVirtual) VecVirtual {
	z := YMM()
	VADDPS(y, x, z)
	return z
}

func difference(x, y VecVirtual) VecVirtual {
	z := YMM()
	VSUBPS(y, x, z)
	return z
}

// A lineForm is a transformation of a line, as form.line has it.
type lineForm struct {
	name     string
	from, to int
	line     func(c *minimalConstants, x func(int) VecVirtual, y func(int, VecVirtual))
}

var lineForms = []lineForm{
	{"valuesToPointsAVX2", 6, 6, func(c *minimalConstants, x func(int) VecVirtual, y func(int, VecVirtual)) {
		x1, x2, x3, x4 := x(1), x(2), x(3), x(4)
		evenA, oddA := c.taken(x4, squareB, x2), c.taken(x3, squareB, x1)
		y(1, c.added(evenA, pointA, oddA))
		y(2, c.taken(evenA, pointA, oddA))
		evenB, oddB := c.taken(x4, squareA, x2), c.taken(x3, squareA, x1)
		y(3, c.added(evenB, pointB, oddB))
		y(4, c.taken(evenB, pointB, oddB))
		y(0, c.added(c.taken(x4, pointSum, x2), pointProduct, x(0)))
		y(5, c.added(c.taken(x(5), pointSum, x3), pointProduct, x1))
	}},
	{"pointsToSumsAVX2", 6, 4, func(c *minimalConstants, x func(int) VecVirtual, y func(int, VecVirtual)) {
		x1, x2, x3, x4 := x(1), x(2), x(3), x(4)
		s, d, t, e := sum(x1, x2), difference(x1, x2), sum(x3, x4), difference(x3, x4)
		y(0, sum(sum(x(0), s), t))
		y(1, c.added(c.times(pointA, d), pointB, e))
		y(2, c.added(c.times(squareA, s), squareB, t))
		y(3, c.added(c.added(x(5), cubeA, d), cubeB, e))
	}},
	{"sumsToPointsAVX2", 4, 6, func(c *minimalConstants, x func(int) VecVirtual, y func(int, VecVirtual)) {
		x0, x1, x2, x3 := x(0), x(1), x(2), x(3)
		evenA, oddA := c.added(x0, squareA, x2), c.added(c.times(pointA, x1), cubeA, x3)
		y(1, sum(evenA, oddA))
		y(2, difference(evenA, oddA))
		evenB, oddB := c.added(x0, squareB, x2), c.added(c.times(pointB, x1), cubeB, x3)
		y(3, sum(evenB, oddB))
		y(4, difference(evenB, oddB))
		y(0, x0)
		y(5, x3)
	}},
	{"tapsToPointsAVX2", 3, 6, func(c *minimalConstants, x func(int) VecVirtual, y func(int, VecVirtual)) {
		x0, x1, x2 := x(0), x(1), x(2)
		evenA, evenB := c.added(x0, squareA, x2), c.added(x0, squareB, x2)
		y(1, c.times(shareA, c.added(evenA, pointA, x1)))
		y(2, c.times(shareA, c.taken(evenA, pointA, x1)))
		y(3, c.times(shareB, c.added(evenB, pointB, x1)))
		y(4, c.times(shareB, c.taken(evenB, pointB, x1)))
		y(0, c.times(share0, x0))
		y(5, x2)
	}},
	{"pointsToTapsAVX2", 6, 3, func(c *minimalConstants, x func(int) VecVirtual, y func(int, VecVirtual)) {
		x1, x2, x3, x4 := x(1), x(2), x(3), x(4)
		s, d := c.times(shareA, sum(x1, x2)), c.times(shareA, difference(x1, x2))
		t, e := c.times(shareB, sum(x3, x4)), c.times(shareB, difference(x3, x4))
		y(0, sum(c.added(s, share0, x(0)), t))
		y(1, c.added(c.times(pointA, d), pointB, e))
		y(2, c.added(c.added(x(5), squareA, s), squareB, t))
	}},
}

// generate writes the transformation of whole squares: of columns into a square on the
// stack, of lines from there.
func (f lineForm) generate(c *minimalConstants) {
	TEXT(f.name, 0, "func(dst *float32, dstRow, dstCol int, src *float32, srcRow, srcCol, n int)")
	Doc(f.name + " is form.transform.")
	Pragma("noescape")
	dst, src, n := Load(Param("dst"), GP64()), Load(Param("src"), GP64()), Load(Param("n"), GP64())
	square := GP64()
	LEAQ(AllocLocal(4*lanes*(f.from*f.to+1)), square)
	ADDQ(Imm(4*lanes-1), square)
	ANDQ(I32(-4*lanes), square)
	Label("vector")
	in := stepsAt(src, "srcRow", f.from)
	next := Load(Param("srcCol"), GP64())
	SHLQ(Imm(2), next)
	for col := range f.from {
		f.line(c, func(i int) VecVirtual {
			v := YMM()
			VMOVUPS(in(i), v)
			return v
		}, func(i int, v VecVirtual) { VMOVAPS(v, Mem{Base: square, Disp: 4 * lanes * (i*f.from + col)}) })
		in.move(next)
	}
	out := stepsAt(dst, "dstCol", f.to)
	Load(Param("dstRow"), next)
	SHLQ(Imm(2), next)
	for row := range f.to {
		f.line(c, func(i int) VecVirtual {
			v := YMM()
			VMOVAPS(Mem{Base: square, Disp: 4 * lanes * (row*f.from + i)}, v)
			return v
		}, func(i int, v VecVirtual) { VMOVUPS(v, out(i)) })
		out.move(next)
	}
	ADDQ(Imm(4*lanes), src)
	ADDQ(Imm(4*lanes), dst)
	SUBQ(Imm(lanes), n)
	JNE(LabelRef("vector"))
	VZEROUPPER()
	RET()
}

// addresses are those of vectors a pitch apart: at 0 to 5 times the pitch.
type addresses func(i int) Mem

// stepsAt returns the addresses from a base on, whose pitch is an argument.
func stepsAt(base Register, pitch string, n int) addresses {
	at, one := GP64(), Load(Param(pitch), GP64())
	MOVQ(base, at)
	SHLQ(Imm(2), one)
	three, five := GP64(), GP64()
	LEAQ(Mem{Base: one, Index: one, Scale: 2}, three)
	LEAQ(Mem{Base: one, Index: one, Scale: 4}, five)
	return func(i int) Mem {
		switch i {
		case 0:
			return Mem{Base: at}
		case 3:
			return Mem{Base: at, Index: three, Scale: 1}
		case 5:
			return Mem{Base: at, Index: five, Scale: 1}
		}
		return Mem{Base: at, Index: one, Scale: uint8(i)}
	}
}

// move moves the base.
func (a addresses) move(by Register) { ADDQ(by, a(0).Base) }

func minimalKernels() {
	c := newMinimalConstants()
	for _, f := range lineForms {
		f.generate(c)
	}
}
