// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// wide is a sum in float64 of the eight lanes of vectors: lanes 0 to 3, 4 to 7.
type wide [2]VecVirtual

// place returns where half j of sum i is in memory.
func place(to Register, i, j int) Mem { return Mem{Base: to, Disp: 8 * (lanes*i + lanes/2*j)} }

// add adds v, which it overwrites.
func (s wide) add(v VecVirtual) {
	half := YMM()
	VCVTPS2PD(v.AsX(), half)
	VADDPD(half, s[0], s[0])
	VEXTRACTF128(Imm(1), v, v.AsX())
	VCVTPS2PD(v.AsX(), half)
	VADDPD(half, s[1], s[1])
}

// addProduct adds a times b, which is exact in float64, and overwrites both.
func (s wide) addProduct(a, b VecVirtual) {
	x, y := YMM(), YMM()
	VCVTPS2PD(a.AsX(), x)
	VCVTPS2PD(b.AsX(), y)
	VFMADD231PD(x, y, s[0])
	VEXTRACTF128(Imm(1), a, a.AsX())
	VEXTRACTF128(Imm(1), b, b.AsX())
	VCVTPS2PD(a.AsX(), x)
	VCVTPS2PD(b.AsX(), y)
	VFMADD231PD(x, y, s[1])
}

// laneSums generates a loop over n elements, a multiple of 8, of the named
// slices, that goes on with sums in memory, in eight lanes of float64 each.
func laneSums(name, out string, sums int, slices []string, arguments, doc string, prepare func() func(at []Mem, sums []wide)) {
	text(name, fmt.Sprintf("%s *[%d][8]float64, %s *float32, n int%s", out, sums, strings.Join(slices, ", "), arguments), doc)
	to := Load(Param(out), GP64())
	var base []Register
	var at []Mem
	for _, s := range slices {
		base = append(base, Load(Param(s), GP64()))
		at = append(at, Mem{Base: base[len(base)-1]})
	}
	n := Load(Param("n"), GP64())
	var total []wide
	for i := range sums {
		total = append(total, wide{YMM(), YMM()})
		for j, r := range total[i] {
			VMOVUPD(place(to, i, j), r)
		}
	}
	body := prepare()
	Label("loop")
	body(at, total)
	for _, b := range base {
		ADDQ(Imm(4*lanes), b)
	}
	SUBQ(Imm(lanes), n)
	JNE(LabelRef("loop"))
	for i, s := range total {
		for j, r := range s {
			VMOVUPD(r, place(to, i, j))
		}
	}
	VZEROUPPER()
	RET()
}

// quantizedDots generates the sums of both scales in one loop: weights are made float64 once, and
// squares of codes are added in float32, exactly.
func quantizedDots() {
	text("quantizedDotsAVX2", "wq, qq *[2][8]float64, w *float32, n int, first, second, most float32", "quantizedDotsAVX2 adds to the lanes of QuantizedDots, of n elements, a multiple of 8 of which the squares of codes are 2^24 at most in a lane.")
	w, n := Load(Param("w"), GP64()), Load(Param("n"), GP64())
	scales := [2]VecVirtual{broadcast("first"), broadcast("second")}
	most, least := broadcast("most"), YMM()
	VXORPS(least, least, least)
	VSUBPS(most, least, least)
	products, out := [2]wide{}, Load(Param("wq"), GP64())
	var squares [2]VecVirtual
	for i := range products {
		squares[i] = YMM()
		VXORPS(squares[i], squares[i], squares[i])
		products[i] = wide{YMM(), YMM()}
		for j, r := range products[i] {
			VMOVUPD(place(out, i, j), r)
		}
	}
	Label("loop")
	low, high := YMM(), YMM()
	VCVTPS2PD(Mem{Base: w}, low)
	VCVTPS2PD(Mem{Base: w, Disp: 2 * lanes}, high)
	for i, scale := range scales {
		q, x := YMM(), YMM()
		VMOVUPS(Mem{Base: w}, q)
		VDIVPS(scale, q, q)
		VROUNDPS(Imm(nearestEven), q, q)
		VMAXPS(q, least, q)
		VMINPS(q, most, q)
		VFMADD231PS(q, q, squares[i])
		VCVTPS2PD(q.AsX(), x)
		VFMADD231PD(low, x, products[i][0])
		VEXTRACTF128(Imm(1), q, q.AsX())
		VCVTPS2PD(q.AsX(), x)
		VFMADD231PD(high, x, products[i][1])
	}
	ADDQ(Imm(4*lanes), w)
	SUBQ(Imm(lanes), n)
	JNE(LabelRef("loop"))
	for i, s := range products {
		for j, r := range s {
			VMOVUPD(r, place(out, i, j))
		}
	}
	Load(Param("qq"), out)
	for i, s := range squares {
		sum := wide{YMM(), YMM()}
		for j, r := range sum {
			VMOVUPD(place(out, i, j), r)
		}
		sum.add(s)
		for j, r := range sum {
			VMOVUPD(r, place(out, i, j))
		}
	}
	VZEROUPPER()
	RET()
}

func quantizedKernels() {
	quantizedDots()
	laneSums("squaresAVX2", "s", 1, []string{"src"}, "", "squaresAVX2 adds to the lanes of SumSquares.", func() func([]Mem, []wide) {
		return func(at []Mem, s []wide) {
			for half, sum := range s[0] {
				x := YMM()
				VCVTPS2PD(at[0].Offset(2*lanes*half), x)
				VFMADD231PD(x, x, sum)
			}
		}
	})
	laneSums("clipBackwardAVX2", "s", 2, []string{"dx", "src", "dy"}, ", lo, hi float32", "clipBackwardAVX2 is ClipBackward, but for the last sum of the lanes.", func() func([]Mem, []wide) {
		lo, hi := broadcast("lo"), broadcast("hi")
		return func(at []Mem, s []wide) {
			v, dy, below, above, inside := YMM(), YMM(), YMM(), YMM(), YMM()
			VMOVUPS(at[1], v)
			VMOVUPS(at[2], dy)
			VCMPPS(Imm(less), v, lo, inside)
			VCMPPS(Imm(less), hi, v, above)
			VANDPS(above, inside, inside)
			VCMPPS(Imm(lessEqual), lo, v, below)
			VCMPPS(Imm(lessEqual), v, hi, above)
			VANDPS(dy, inside, inside)
			VMOVUPS(inside, at[0])
			VANDPS(dy, below, below)
			s[0].add(below)
			VANDPS(dy, above, above)
			s[1].add(above)
		}
	})
	laneSums("stepBackwardAVX2", "s", 3, []string{"dx", "src", "dy"}, ", step, lo, hi float32", "stepBackwardAVX2 is StepBackward, but for the last sum of the lanes.", func() func([]Mem, []wide) {
		step, lo, hi := broadcast("step"), broadcast("lo"), broadcast("hi")
		return func(at []Mem, s []wide) {
			v, dy, below, above := YMM(), YMM(), YMM(), YMM()
			VMOVUPS(at[1], v)
			VDIVPS(step, v, v)
			VMOVUPS(at[2], dy)
			VCMPPS(Imm(lessEqual), lo, v, below)
			VCMPPS(Imm(lessEqual), v, hi, above)
			rounded, outside := YMM(), YMM()
			VROUNDPS(Imm(nearestEven), v, rounded)
			VSUBPS(v, rounded, v)
			VORPS(below, above, outside)
			VANDNPS(v, outside, v) // the error where x is inside
			VANDPS(dy, below, below)
			s[0].add(below)
			VANDPS(dy, above, above)
			s[2].add(above)
			VANDNPS(dy, outside, dy)
			VMOVUPS(dy, at[0])
			s[1].addProduct(dy, v)
		}
	})
}
