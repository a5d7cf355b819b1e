// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// Polynomials of the hyperbolic tangent, highest power first, and where they hold, as in
// tanh.go.
var (
	tanhAbove  = []float64{-9.64399179425052238628e-1, -9.92877231001918586564e1, -1.61468768441708447952e3}
	tanhBelow  = []float64{1.12811678491632931402e2, 2.23548839060100448583e3, 4.84406305325125486048e3}
	tanhMiddle = []float32{-0.625, 0.625}
)

func tanhKernels() {
	tanh()
	elementwise("tanhBackwardAVX2", []string{"dx", "tanh", "dy"}, ", gain float32", "tanhBackwardAVX2 is TanhBackward.", func() func([]Mem) {
		gain, one := broadcast("gain"), constant(1)
		return func(at []Mem) {
			slope, v := YMM(), YMM()
			VMOVUPS(at[1], v)
			VMULPS(v, v, v)
			VSUBPS(v, one, slope)
			VMULPS(at[2], gain, v)
			VMULPS(slope, v, v)
			VMOVUPS(v, at[0])
		}
	})
	elementwise("oddLevelsAVX2", []string{"dst", "src"}, ", most, levels, scale float32", "oddLevelsAVX2 is OddLevels.", func() func([]Mem) {
		most, levels, scale, half := broadcast("most"), broadcast("levels"), broadcast("scale"), constant(0.5)
		return func(at []Mem) {
			v := YMM()
			VMOVUPS(at[1], v)
			VDIVPS(most, v, v)
			VMULPS(half, v, v)
			VADDPS(half, v, v)
			VMULPS(levels, v, v)
			VROUNDPS(Imm(nearestEven), v, v)
			VADDPS(v, v, v)
			VSUBPS(levels, v, v)
			VMULPS(scale, v, v)
			VMOVUPS(v, at[0])
		}
	})
}

// constant puts a number into every lane.
func constant(v float32) VecVirtual {
	bits, r := GP32(), YMM()
	MOVL(U32(math.Float32bits(v)), bits)
	VMOVD(bits, r.AsX())
	VBROADCASTSS(r.AsX(), r)
	return r
}

// tanh generates the polynomials, in float64.
func tanh() {
	table := GLOBL("tanhConstants", RODATA|NOPTR)
	for i, v := range append(append([]float64{}, tanhAbove...), tanhBelow...) {
		DATA(8*i, U64(math.Float64bits(v)))
	}
	text("tanhAVX2", "dst, src *float32, n int) (middle bool", "tanhAVX2 is Tanh of those of n elements, a positive multiple of 8, that are in the middle, copies the others, and says whether all are.")
	dst, src, n := Load(Param("dst"), GP64()), Load(Param("src"), GP64()), Load(Param("n"), GP64())
	var above, below [3]VecVirtual
	for i := range above {
		above[i], below[i] = YMM(), YMM()
		VBROADCASTSD(table.Offset(8*i), above[i])
		VBROADCASTSD(table.Offset(8*(3+i)), below[i])
	}
	lo, hi, all := constant(tanhMiddle[0]), constant(tanhMiddle[1]), YMM()
	VCMPPS(Imm(less), hi, lo, all)
	Label("loop")
	v, inside := YMM(), YMM()
	VMOVUPS(Mem{Base: src}, v)
	VCMPPS(Imm(less), v, lo, inside)
	m := YMM()
	VCMPPS(Imm(less), hi, v, m)
	VANDPS(m, inside, inside)
	VANDPS(inside, all, all)
	var halves [2]VecVirtual
	for half := range 2 {
		x, s, p, q := YMM(), YMM(), YMM(), YMM()
		VCVTPS2PD(Mem{Base: src, Disp: 2 * lanes * half}, x)
		VMULPD(x, x, s)
		VMULPD(above[0], s, p)
		VADDPD(above[1], p, p)
		VMULPD(s, p, p)
		VADDPD(above[2], p, p)
		VADDPD(below[0], s, q)
		VMULPD(s, q, q)
		VADDPD(below[1], q, q)
		VMULPD(s, q, q)
		VADDPD(below[2], q, q)
		VMULPD(x, s, s)
		VMULPD(p, s, s)
		VDIVPD(q, s, s)
		VADDPD(s, x, x)
		halves[half] = YMM()
		VCVTPD2PSY(x, halves[half].AsX())
	}
	VINSERTF128(Imm(1), halves[1].AsX(), halves[0], halves[0])
	VBLENDVPS(inside, halves[0], v, v)
	VMOVUPS(v, Mem{Base: dst})
	ADDQ(Imm(4*lanes), src)
	ADDQ(Imm(4*lanes), dst)
	SUBQ(Imm(lanes), n)
	JNE(LabelRef("loop"))
	mask, middle := GP32(), GP8()
	VMOVMSKPS(all, mask)
	CMPL(mask, U32(1<<lanes-1))
	SETEQ(middle)
	Store(middle, Return("middle"))
	VZEROUPPER()
	RET()
}
