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
	mem  Mem
	at   map[float32]int
	held map[float32]VecVirtual
	most int
}

func newMinimalConstants() *minimalConstants {
	c := &minimalConstants{mem: GLOBL("minimalConstants", RODATA|NOPTR), at: map[float32]int{}}
	for _, v := range []float32{pointA, pointB, squareA, squareB, cubeA, cubeB, pointProduct, pointSum, share0, shareA, shareB} {
		at := 4 * lanes * len(c.at)
		for i := range lanes {
			DATA(at+4*i, U32(math.Float32bits(v)))
		}
		c.at[v] = at
	}
	return c
}

// hold has the next constants, as many as there are registers, stay in registers from their first use on.
func (c *minimalConstants) hold(registers int) { c.held, c.most = map[float32]VecVirtual{}, registers }

func (c *minimalConstants) of(v float32) Op {
	at := c.mem.Offset(c.at[v])
	if r, ok := c.held[v]; ok {
		return r
	}
	if len(c.held) >= c.most {
		return at
	}
	r := YMM()
	VMOVAPS(at, r)
	c.held[v] = r
	return r
}

// added returns x + k·v, and taken x - k·v, each rounded once.
func (c *minimalConstants) added(x VecVirtual, k float32, v VecVirtual) VecVirtual {
	y := YMM()
	by := c.of(k)
	VMOVAPS(x, y)
	VFMADD231PS(by, v, y)
	return y
}

func (c *minimalConstants) taken(x VecVirtual, k float32, v VecVirtual) VecVirtual {
	y := YMM()
	by := c.of(k)
	VMOVAPS(x, y)
	VFNMADD231PS(by, v, y)
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

// A lineForm is a transformation of a line, as form.line has it, in parts.
type lineForm struct {
	name     string
	from, to int
	parts    []linePart
}

// A linePart computes results of a line that have terms in common.
type linePart struct {
	results []int
	line    func(c *minimalConstants, x func(int) VecVirtual) []VecVirtual
}

// pair returns the sum and the difference of x and k·y.
func (c *minimalConstants) pair(x VecVirtual, k float32, y VecVirtual) []VecVirtual {
	return []VecVirtual{c.added(x, k, y), c.taken(x, k, y)}
}

var lineForms = []lineForm{
	{"valuesToPointsAVX2", 6, 6, []linePart{
		{[]int{0}, func(c *minimalConstants, x func(int) VecVirtual) []VecVirtual {
			return []VecVirtual{c.added(c.taken(x(4), pointSum, x(2)), pointProduct, x(0))}
		}},
		{[]int{1, 2}, func(c *minimalConstants, x func(int) VecVirtual) []VecVirtual {
			return c.pair(c.taken(x(4), squareB, x(2)), pointA, c.taken(x(3), squareB, x(1)))
		}},
		{[]int{3, 4}, func(c *minimalConstants, x func(int) VecVirtual) []VecVirtual {
			return c.pair(c.taken(x(4), squareA, x(2)), pointB, c.taken(x(3), squareA, x(1)))
		}},
		{[]int{5}, func(c *minimalConstants, x func(int) VecVirtual) []VecVirtual {
			return []VecVirtual{c.added(c.taken(x(5), pointSum, x(3)), pointProduct, x(1))}
		}},
	}},
	{"pointsToSumsAVX2", 6, 4, []linePart{
		{[]int{0, 2}, func(c *minimalConstants, x func(int) VecVirtual) []VecVirtual {
			s, t := sum(x(1), x(2)), sum(x(3), x(4))
			return []VecVirtual{sum(sum(x(0), s), t), c.added(c.times(squareA, s), squareB, t)}
		}},
		{[]int{1, 3}, func(c *minimalConstants, x func(int) VecVirtual) []VecVirtual {
			d, e := difference(x(1), x(2)), difference(x(3), x(4))
			return []VecVirtual{c.added(c.times(pointA, d), pointB, e), c.added(c.added(x(5), cubeA, d), cubeB, e)}
		}},
	}},
	{"sumsToPointsAVX2", 4, 6, []linePart{
		{[]int{0}, func(c *minimalConstants, x func(int) VecVirtual) []VecVirtual { return []VecVirtual{x(0)} }},
		{[]int{1, 2}, func(c *minimalConstants, x func(int) VecVirtual) []VecVirtual {
			even, odd := c.added(x(0), squareA, x(2)), c.added(c.times(pointA, x(1)), cubeA, x(3))
			return []VecVirtual{sum(even, odd), difference(even, odd)}
		}},
		{[]int{3, 4}, func(c *minimalConstants, x func(int) VecVirtual) []VecVirtual {
			even, odd := c.added(x(0), squareB, x(2)), c.added(c.times(pointB, x(1)), cubeB, x(3))
			return []VecVirtual{sum(even, odd), difference(even, odd)}
		}},
		{[]int{5}, func(c *minimalConstants, x func(int) VecVirtual) []VecVirtual { return []VecVirtual{x(3)} }},
	}},
	{"tapsToPointsAVX2", 3, 6, []linePart{
		{[]int{0}, func(c *minimalConstants, x func(int) VecVirtual) []VecVirtual {
			return []VecVirtual{c.times(share0, x(0))}
		}},
		{[]int{1, 2}, func(c *minimalConstants, x func(int) VecVirtual) []VecVirtual {
			p := c.pair(c.added(x(0), squareA, x(2)), pointA, x(1))
			return []VecVirtual{c.times(shareA, p[0]), c.times(shareA, p[1])}
		}},
		{[]int{3, 4}, func(c *minimalConstants, x func(int) VecVirtual) []VecVirtual {
			p := c.pair(c.added(x(0), squareB, x(2)), pointB, x(1))
			return []VecVirtual{c.times(shareB, p[0]), c.times(shareB, p[1])}
		}},
		{[]int{5}, func(c *minimalConstants, x func(int) VecVirtual) []VecVirtual { return []VecVirtual{x(2)} }},
	}},
	{"pointsToTapsAVX2", 6, 3, []linePart{
		{[]int{0, 2}, func(c *minimalConstants, x func(int) VecVirtual) []VecVirtual {
			s, t := c.times(shareA, sum(x(1), x(2))), c.times(shareB, sum(x(3), x(4)))
			return []VecVirtual{sum(c.added(s, share0, x(0)), t), c.added(c.added(x(5), squareA, s), squareB, t)}
		}},
		{[]int{1}, func(c *minimalConstants, x func(int) VecVirtual) []VecVirtual {
			d, e := c.times(shareA, difference(x(1), x(2))), c.times(shareB, difference(x(3), x(4)))
			return []VecVirtual{c.added(c.times(pointA, d), pointB, e)}
		}},
	}},
}

// Registers that a part of a line needs beside its results, its values and constants.
const spare = 4

// generate writes the transformation of whole squares. A part of all columns makes one row
// or two, which stay in registers until they are transformed as lines.
func (f lineForm) generate(c *minimalConstants) {
	text(f.name, "dst *float32, dstRow, dstCol int, src *float32, srcRow, srcCol, n int", f.name+" is form.transform.")
	dst, src, n := Load(Param("dst"), GP64()), Load(Param("src"), GP64()), Load(Param("n"), GP64())
	in, out := stepsOf("srcRow", f.from), stepsOf("dstCol", f.to)
	column, line := Load(Param("srcCol"), GP64()), Load(Param("dstRow"), GP64())
	SHLQ(Imm(2), column)
	SHLQ(Imm(2), line)
	Label("vector")
	MOVQ(dst, out.base)
	at := 0
	for _, part := range f.parts {
		rows := make([][]VecVirtual, len(part.results))
		c.hold(16 - spare - f.from*len(rows))
		MOVQ(src, in.base)
		for col := range f.from {
			values := map[int]VecVirtual{}
			for i, v := range part.line(c, func(i int) VecVirtual {
				v, ok := values[i]
				if !ok {
					v = YMM()
					VMOVUPS(in.of(i), v)
					values[i] = v
				}
				return v
			}) {
				rows[i] = append(rows[i], v)
			}
			if col < f.from-1 {
				ADDQ(column, in.base)
			}
		}
		c.hold(16 - spare - f.from*len(rows))
		for i, row := range part.results {
			for ; at < row; at++ {
				ADDQ(line, out.base)
			}
			for ; at > row; at-- {
				SUBQ(line, out.base)
			}
			for _, p := range f.parts {
				for j, v := range p.line(c, func(at int) VecVirtual { return rows[i][at] }) {
					VMOVUPS(v, out.of(p.results[j]))
				}
			}
		}
	}
	ADDQ(Imm(4*lanes), src)
	ADDQ(Imm(4*lanes), dst)
	SUBQ(Imm(lanes), n)
	JNE(LabelRef("vector"))
	VZEROUPPER()
	RET()
}

// steps are the addresses of vectors a pitch apart, from a base on.
type steps struct{ base, one, three, five Register }

// stepsOf returns the addresses of n vectors, up to six, whose pitch is an argument.
func stepsOf(pitch string, n int) steps {
	s := steps{base: GP64(), one: Load(Param(pitch), GP64())}
	SHLQ(Imm(2), s.one)
	if n > 3 {
		s.three = GP64()
		LEAQ(Mem{Base: s.one, Index: s.one, Scale: 2}, s.three)
	}
	if n > 5 {
		s.five = GP64()
		LEAQ(Mem{Base: s.one, Index: s.one, Scale: 4}, s.five)
	}
	return s
}

func (s steps) of(i int) Mem {
	switch i {
	case 0:
		return Mem{Base: s.base}
	case 3:
		return Mem{Base: s.base, Index: s.three, Scale: 1}
	case 5:
		return Mem{Base: s.base, Index: s.five, Scale: 1}
	}
	return Mem{Base: s.base, Index: s.one, Scale: uint8(i)}
}

func minimalKernels() {
	c := newMinimalConstants()
	for _, f := range lineForms {
		f.generate(c)
	}
}
