// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// byRow generates a loop over rows of n channels, each coefficient being a
// slice per channel; n modulo 8 channels at the end are left alone. The body
// gets the address of a vector in each slice.
func byRow(name string, slices, coefficients []string, doc string, body func(at, coefficient []Mem)) {
	text(name, strings.Join(append(append([]string{}, slices...), coefficients...), ", ")+" *float32, rows, n int", doc)
	var base, per []Register
	for _, s := range slices {
		base = append(base, Load(Param(s), GP64()))
	}
	for _, s := range coefficients {
		per = append(per, Load(Param(s), GP64()))
	}
	rows, n := Load(Param("rows"), GP64()), Load(Param("n"), GP64())
	whole, c := GP64(), GP64()
	SHLQ(Imm(2), n)
	MOVQ(n, whole)
	ANDQ(I32(-4*lanes), whole)
	Label("row")
	XORQ(c, c)
	Label("column")
	var at, coefficient []Mem
	for _, b := range base {
		at = append(at, Mem{Base: b, Index: c, Scale: 1})
	}
	for _, b := range per {
		coefficient = append(coefficient, Mem{Base: b, Index: c, Scale: 1})
	}
	body(at, coefficient)
	ADDQ(Imm(4*lanes), c)
	CMPQ(c, whole)
	JLT(LabelRef("column"))
	for _, b := range base {
		ADDQ(n, b)
	}
	DECQ(rows)
	JNE(LabelRef("row"))
	VZEROUPPER()
	RET()
}

func channelKernels() {
	scaled := func(at, coefficient []Mem) VecVirtual {
		v := YMM()
		VMOVUPS(at[1], v)
		VMULPS(coefficient[0], v, v)
		VADDPS(coefficient[1], v, v)
		return v
	}
	byRow("scaleShiftAVX2", []string{"dst", "src"}, []string{"a", "b"}, "scaleShiftAVX2 is ScaleShift of whole vectors of channels.", func(at, coefficient []Mem) {
		VMOVUPS(scaled(at, coefficient), at[0])
	})
	byRow("addScaleShiftAVX2", []string{"dst", "src"}, []string{"a", "b"}, "addScaleShiftAVX2 is AddScaleShift of whole vectors of channels.", func(at, coefficient []Mem) {
		v := scaled(at, coefficient)
		VADDPS(at[0], v, v)
		VMOVUPS(v, at[0])
	})
	byRow("combineAVX2", []string{"dst", "x", "y"}, []string{"a", "b", "s"}, "combineAVX2 is Combine of whole vectors of channels.", func(at, coefficient []Mem) {
		x, y := YMM(), YMM()
		VMOVUPS(at[1], x)
		VMULPS(coefficient[0], x, x)
		VMOVUPS(at[2], y)
		VMULPS(coefficient[1], y, y)
		VADDPS(y, x, x)
		VADDPS(coefficient[2], x, x)
		VMOVUPS(x, at[0])
	})
}

// sums generates two sums per channel over rows, of 16 channels or of 8. The
// body adds one vector of a row to both sums.
func sums(name string, slices []string, shift bool, doc string, body func(at []Mem, shift Op, first, second VecVirtual)) {
	arguments := "s *[2][16]float32, " + strings.Join(slices, ", ")
	if shift {
		arguments += ", shift"
	}
	text(name, arguments+" *float32, rows, n, wide int", doc)
	var base []Register
	for _, s := range slices {
		base = append(base, Load(Param(s), GP64()))
	}
	rows, n, wide := Load(Param("rows"), GP64()), Load(Param("n"), GP64()), Load(Param("wide"), GP64())
	out := Load(Param("s"), GP64())
	SHLQ(Imm(2), n)
	CMPQ(wide, Imm(lanes))
	JEQ(LabelRef("narrow"))
	for vectors := 2; vectors > 0; vectors-- {
		if vectors == 1 {
			Label("narrow")
		}
		var shifts, first, second [2]VecVirtual
		for i := range vectors {
			first[i], second[i], shifts[i] = YMM(), YMM(), YMM()
			VXORPS(first[i], first[i], first[i])
			VXORPS(second[i], second[i], second[i])
			if shift {
				at := Load(Param("shift"), GP64())
				VMOVUPS(Mem{Base: at, Disp: 4 * lanes * i}, shifts[i])
			}
		}
		loop := fmt.Sprintf("rows%d", vectors)
		Label(loop)
		for i := range vectors {
			var at []Mem
			for _, b := range base {
				at = append(at, Mem{Base: b, Disp: 4 * lanes * i})
			}
			body(at, shifts[i], first[i], second[i])
		}
		for _, b := range base {
			ADDQ(n, b)
		}
		DECQ(rows)
		JNE(LabelRef(loop))
		for i := range vectors {
			VMOVUPS(first[i], Mem{Base: out, Disp: 4 * lanes * i})
			VMOVUPS(second[i], Mem{Base: out, Disp: 4 * (16 + lanes*i)})
		}
		VZEROUPPER()
		RET()
	}
}

// sumsInMemory generates the same two sums of wide channels, a multiple of 8, which it adds to those in
// memory: so it reads rows from their first channel to their last, as the processor expects.
func sumsInMemory(name string, slices []string, shift bool, doc string, body func(at []Mem, shift Op, first, second VecVirtual)) {
	arguments := "s *[2][256]float32, " + strings.Join(slices, ", ")
	if shift {
		arguments += ", shift"
	}
	text(name, arguments+" *float32, rows, n, wide int", doc)
	var base []Register
	for _, s := range slices {
		base = append(base, Load(Param(s), GP64()))
	}
	shifts := GP64()
	if shift {
		Load(Param("shift"), shifts)
	}
	rows, n, wide := Load(Param("rows"), GP64()), Load(Param("n"), GP64()), Load(Param("wide"), GP64())
	out, c := Load(Param("s"), GP64()), GP64()
	SHLQ(Imm(2), n)
	SHLQ(Imm(2), wide)
	Label("row")
	XORQ(c, c)
	Label("column")
	var at []Mem
	for _, b := range base {
		at = append(at, Mem{Base: b, Index: c, Scale: 1})
	}
	sums := [2]VecVirtual{YMM(), YMM()}
	place := func(i int) Mem { return Mem{Base: out, Index: c, Scale: 1, Disp: 4 * 256 * i} }
	for i, v := range sums {
		VMOVUPS(place(i), v)
	}
	body(at, Mem{Base: shifts, Index: c, Scale: 1}, sums[0], sums[1])
	for i, v := range sums {
		VMOVUPS(v, place(i))
	}
	ADDQ(Imm(4*lanes), c)
	CMPQ(c, wide)
	JLT(LabelRef("column"))
	for _, b := range base {
		ADDQ(n, b)
	}
	DECQ(rows)
	JNE(LabelRef("row"))
	VZEROUPPER()
	RET()
}

func sumKernels() {
	moments := func(at []Mem, shift Op, first, second VecVirtual) {
		d := YMM()
		VMOVUPS(at[0], d)
		VSUBPS(shift, d, d)
		VADDPS(d, first, first)
		VMULPS(d, d, d)
		VADDPS(d, second, second)
	}
	dots := func(at []Mem, _ Op, first, second VecVirtual) {
		d := YMM()
		VMOVUPS(at[0], d)
		VADDPS(d, first, first)
		VMULPS(at[1], d, d)
		VADDPS(d, second, second)
	}
	sums("channelMomentsAVX2", []string{"src"}, true, "channelMomentsAVX2 sums src-shift and its square over rows, per channel.", moments)
	sums("channelDotsAVX2", []string{"dy", "x"}, false, "channelDotsAVX2 sums dy and dy*x over rows, per channel.", dots)
	sumsInMemory("wideMomentsAVX2", []string{"src"}, true, "wideMomentsAVX2 adds src-shift and its square over rows to s, per channel.", moments)
	sumsInMemory("wideDotsAVX2", []string{"dy", "x"}, false, "wideDotsAVX2 adds dy and dy*x over rows to s, per channel.", dots)
}
