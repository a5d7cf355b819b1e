// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// vectors are those of a tier.
type vectors struct {
	tier  string
	new   func() VecVirtual
	lanes int
	most  int // vectors of a row whose sums stay in registers
}

var (
	avx2   = vectors{"AVX2", YMM, 8, 2}
	avx512 = vectors{"AVX512", ZMM, 16, 4}
)

// byRow generates a loop over rows of n channels, each coefficient being a
// slice per channel; the channels at the end that make no whole vector are left alone. The body
// gets the address of a vector in each slice.
func (x vectors) byRow(name string, slices, coefficients []string, does string, body func(at, coefficient []Mem)) {
	text(name+x.tier, strings.Join(append(append([]string{}, slices...), coefficients...), ", ")+" *float32, rows, n int", fmt.Sprintf("%s%s is %s of whole vectors of channels.", name, x.tier, does))
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
	ANDQ(I32(int32(-4*x.lanes)), whole)
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
	ADDQ(Imm(uint64(4*x.lanes)), c)
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

// channelKernels generates the kernels by channel of a tier.
func (x vectors) channelKernels() {
	scaled := func(at, coefficient []Mem) VecVirtual {
		v := x.new()
		VMOVUPS(at[1], v)
		VMULPS(coefficient[0], v, v)
		VADDPS(coefficient[1], v, v)
		return v
	}
	x.byRow("scaleShift", []string{"dst", "src"}, []string{"a", "b"}, "ScaleShift", func(at, coefficient []Mem) {
		VMOVUPS(scaled(at, coefficient), at[0])
	})
	x.byRow("addScaleShift", []string{"dst", "src"}, []string{"a", "b"}, "AddScaleShift", func(at, coefficient []Mem) {
		v := scaled(at, coefficient)
		VADDPS(at[0], v, v)
		VMOVUPS(v, at[0])
	})
	x.byRow("combine", []string{"dst", "x", "y"}, []string{"a", "b", "s"}, "Combine", func(at, coefficient []Mem) {
		v, w := x.new(), x.new()
		VMOVUPS(at[1], v)
		VMULPS(coefficient[0], v, v)
		VMOVUPS(at[2], w)
		VMULPS(coefficient[1], w, w)
		VADDPS(w, v, v)
		VADDPS(coefficient[2], v, v)
		VMOVUPS(v, at[0])
	})
}
