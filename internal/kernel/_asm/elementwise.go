// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// Predicates of VCMPPS, all false of NaN.
const (
	less      = 0x11
	lessEqual = 0x12
)

// nearestEven is the rounding of VROUNDPS to integers, without the inexact
// exception.
const nearestEven = 8

// elementwise generates a loop over n elements, a multiple of 8, of the named
// slices. The body gets the address of a vector in each.
func elementwise(name string, slices []string, arguments, doc string, prepare func() func(at []Mem)) {
	text(name, strings.Join(slices, ", ")+" *float32, n int"+arguments, doc)
	var base []Register
	for _, s := range slices {
		base = append(base, Load(Param(s), GP64()))
	}
	n := Load(Param("n"), GP64())
	body := prepare()
	address := func(vector int) (at []Mem) {
		for _, b := range base {
			at = append(at, Mem{Base: b, Disp: 4 * lanes * vector})
		}
		return at
	}
	advance := func(vectors int) {
		for _, b := range base {
			ADDQ(Imm(uint64(4*lanes*vectors)), b)
		}
	}
	const unroll = 4
	SUBQ(Imm(lanes*unroll), n)
	JLT(LabelRef("rest"))
	Label("many")
	for i := range unroll {
		body(address(i))
	}
	advance(unroll)
	SUBQ(Imm(lanes*unroll), n)
	JGE(LabelRef("many"))
	Label("rest")
	ADDQ(Imm(lanes*unroll), n)
	JE(LabelRef("done"))
	Label("single")
	body(address(0))
	advance(1)
	SUBQ(Imm(lanes), n)
	JNE(LabelRef("single"))
	Label("done")
	VZEROUPPER()
	RET()
}

func elementwiseKernels() {
	elementwise("addAVX2", []string{"dst", "a", "b"}, "", "addAVX2 is Add.", func() func([]Mem) {
		return func(at []Mem) {
			v := YMM()
			VMOVUPS(at[1], v)
			VADDPS(at[2], v, v)
			VMOVUPS(v, at[0])
		}
	})
	// The second source of VMAXPS and VMINPS (the first operand here) is the
	// result if one is NaN, or both are zero.
	elementwise("reluClampAVX2", []string{"dst", "src"}, ", hi float32", "reluClampAVX2 is ReLUClamp.", func() func([]Mem) {
		zero, hi := YMM(), broadcast("hi")
		VXORPS(zero, zero, zero)
		return func(at []Mem) {
			v := YMM()
			VMAXPS(at[1], zero, v)
			VMINPS(v, hi, v)
			VMOVUPS(v, at[0])
		}
	})
	elementwise("reluClampBackwardAVX2", []string{"dx", "src", "dy"}, ", hi float32", "reluClampBackwardAVX2 is ReLUClampBackward.", func() func([]Mem) {
		zero, hi := YMM(), broadcast("hi")
		VXORPS(zero, zero, zero)
		return func(at []Mem) {
			v, above, below := YMM(), YMM(), YMM()
			VMOVUPS(at[1], v)
			VCMPPS(Imm(less), v, zero, above)
			VCMPPS(Imm(less), hi, v, below)
			VANDPS(above, below, v)
			VANDPS(at[2], v, v)
			VMOVUPS(v, at[0])
		}
	})
	elementwise("fakeQuantizeAVX2", []string{"dst", "src"}, ", scale, lo, hi float32", "fakeQuantizeAVX2 is FakeQuantize.", func() func([]Mem) {
		scale, lo, hi := broadcast("scale"), broadcast("lo"), broadcast("hi")
		return func(at []Mem) {
			v := YMM()
			VMOVUPS(at[1], v)
			VDIVPS(scale, v, v)
			VROUNDPS(Imm(nearestEven), v, v)
			VMAXPS(v, lo, v)
			VMINPS(v, hi, v)
			VMULPS(scale, v, v)
			VMOVUPS(v, at[0])
		}
	})
	elementwise("fakeQuantizeBackwardAVX2", []string{"dx", "src", "dy"}, ", scale, lo, hi float32", "fakeQuantizeBackwardAVX2 is FakeQuantizeBackward.", func() func([]Mem) {
		scale, lo, hi := broadcast("scale"), broadcast("lo"), broadcast("hi")
		return func(at []Mem) {
			v, above, below := YMM(), YMM(), YMM()
			VMOVUPS(at[1], v)
			VDIVPS(scale, v, v)
			VROUNDPS(Imm(nearestEven), v, v)
			VCMPPS(Imm(lessEqual), v, lo, above)
			VCMPPS(Imm(lessEqual), hi, v, below)
			VANDPS(above, below, v)
			VANDPS(at[2], v, v)
			VMOVUPS(v, at[0])
		}
	})
}

// wholeSteps generates the rounding to whole numbers of steps.
func wholeSteps() {
	elementwise("wholeStepsAVX2", []string{"dst", "src"}, ", inverse float32", "wholeStepsAVX2 is WholeSteps.", func() func([]Mem) {
		inverse := broadcast("inverse")
		return func(at []Mem) {
			v := YMM()
			VMULPS(at[1], inverse, v)
			VROUNDPS(Imm(nearestEven), v, v)
			VMOVUPS(v, at[0])
		}
	})
}

func minMax() {
	text("minMaxAVX2", "src *float32, n int) (lo, hi float32", "minMaxAVX2 is MinMax of n elements, a positive multiple of 8.")
	src, n := Load(Param("src"), GP64()), Load(Param("n"), GP64())
	lo, hi, v := YMM(), YMM(), YMM()
	bits := GP32()
	for _, start := range []struct {
		bits uint32
		r    VecVirtual
	}{{0x7f800000, lo}, {0xff800000, hi}} {
		MOVL(U32(start.bits), bits)
		VMOVD(bits, start.r.AsX())
		VBROADCASTSS(start.r.AsX(), start.r)
	}
	Label("loop")
	VMOVUPS(Mem{Base: src}, v)
	VMINPS(lo, v, lo)
	VMAXPS(hi, v, hi)
	ADDQ(Imm(4*lanes), src)
	SUBQ(Imm(lanes), n)
	JNE(LabelRef("loop"))
	for _, fold := range []struct {
		name string
		r    VecVirtual
		op   func(...Op)
	}{{"lo", lo, VMINPS}, {"hi", hi, VMAXPS}} {
		x, half := fold.r.AsX(), XMM()
		VEXTRACTF128(Imm(1), fold.r, half)
		fold.op(half, x, x)
		VPERMILPS(Imm(0b1110), x, half)
		fold.op(half, x, x)
		VPERMILPS(Imm(0b01), x, half)
		fold.op(half, x, x)
		Store(x, Return(fold.name))
	}
	VZEROUPPER()
	RET()
}
