// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

const (
	sumRows     = 64  // rows that are summed in float32 before the sums go on in float64
	wideColumns = 256 // channels at most whose sums in float32 are in memory
)

// channelSums are two sums per channel over rows. add adds one vector of a row to both, given
// where the vector is in each slice, and its coefficients.
type channelSums struct {
	name, does           string
	slices, coefficients []string
	optional             bool // the last slice may be nil
	limits               bool // there are limits, for add
	add                  func(x vectors, at []Mem, coefficient []Op, limits [2]VecVirtual, first, second VecVirtual)
}

// sums are what a kernel of channelSums is written with.
type sums struct {
	channelSums
	vectors
	label         string // of the loops that are being written
	base          []Register
	rows, n, left Register
	out           [2]Register
	limits        [2]VecVirtual
}

// generate writes the kernel of a tier.
func (s channelSums) generate(x vectors) {
	k := sums{channelSums: s, vectors: x}
	arguments := fmt.Sprintf("first, second *float64, s *[2][%d]float32, ", wideColumns) + strings.Join(append(append([]string{}, s.slices...), s.coefficients...), ", ") + " *float32, rows, n, wide int"
	if s.limits {
		arguments += ", least, most float32"
	}
	text(s.name+x.tier, arguments, fmt.Sprintf("%s%s adds to two sums per channel over rows, of wide channels: %s. Up to %d rows are added in float32: for more than %d channels, at most %d of them, in s.", s.name, x.tier, s.does, sumRows, x.most*x.lanes, wideColumns))
	if !s.optional {
		k.write("", s.slices)
		return
	}
	last := Load(Param(s.slices[len(s.slices)-1]), GP64())
	TESTQ(last, last)
	JEQ(LabelRef("without_begin"))
	k.write("", s.slices)
	Label("without_begin")
	k.write("without_", s.slices[:len(s.slices)-1])
}

// write writes the loops for some slices, which return.
func (k *sums) write(label string, slices []string) {
	k.label, k.base = label, nil
	for _, p := range slices {
		k.base = append(k.base, Load(Param(p), GP64()))
	}
	k.rows, k.n, k.left = Load(Param("rows"), GP64()), Load(Param("n"), GP64()), GP64()
	k.out = [2]Register{Load(Param("first"), GP64()), Load(Param("second"), GP64())}
	SHLQ(Imm(2), k.n)
	if k.channelSums.limits {
		k.limits = [2]VecVirtual{k.broadcast("least"), k.broadcast("most")}
	}
	wide := Load(Param("wide"), GP64())
	for vectors := 1; vectors <= k.most; vectors++ {
		CMPQ(wide, Imm(uint64(vectors*k.lanes)))
		JEQ(LabelRef(fmt.Sprintf("%swide%d", label, vectors)))
	}
	k.inMemory(wide)
	for vectors := 1; vectors <= k.most; vectors++ {
		k.inRegisters(vectors)
	}
}

// inRegisters writes the sums of some vectors of channels.
func (k *sums) inRegisters(vectors int) {
	name := func(s string) string { return fmt.Sprintf("%s%s%d", k.label, s, vectors) }
	Label(name("wide"))
	var first, second []VecVirtual
	coefficients := make([][]Op, vectors)
	for range vectors {
		first, second = append(first, k.new()), append(second, k.new())
	}
	for _, p := range k.coefficients {
		at := Load(Param(p), GP64())
		for i := range vectors {
			v := k.new()
			VMOVUPS(Mem{Base: at, Disp: 4 * k.lanes * i}, v)
			coefficients[i] = append(coefficients[i], v)
		}
	}
	Label(name("some"))
	k.some()
	for i := range vectors {
		VXORPS(first[i], first[i], first[i])
		VXORPS(second[i], second[i], second[i])
	}
	Label(name("row"))
	for i := range vectors {
		var at []Mem
		for _, b := range k.base {
			at = append(at, Mem{Base: b, Disp: 4 * k.lanes * i})
		}
		k.add(k.vectors, at, coefficients[i], k.limits, first[i], second[i])
	}
	k.next(name("row"))
	for i := range vectors {
		k.addDoubles(first[i], Mem{Base: k.out[0], Disp: 8 * k.lanes * i})
		k.addDoubles(second[i], Mem{Base: k.out[1], Disp: 8 * k.lanes * i})
	}
	k.end(name("some"))
}

// some takes up to sumRows of the rows.
func (k *sums) some() {
	MOVQ(U32(sumRows), k.left)
	CMPQ(k.rows, k.left)
	CMOVQLT(k.rows, k.left)
	SUBQ(k.left, k.rows)
}

// next goes on to the next of these rows.
func (k *sums) next(row string) {
	for _, b := range k.base {
		ADDQ(k.n, b)
	}
	DECQ(k.left)
	JNE(LabelRef(row))
}

// end goes on with the rows that are left, and returns if there are none.
func (k *sums) end(some string) {
	TESTQ(k.rows, k.rows)
	JNE(LabelRef(some))
	VZEROUPPER()
	RET()
}

// inMemory writes the sums of more channels, in memory: so it reads rows from their first channel to their
// last, as the processor expects.
func (k *sums) inMemory(wide Register) {
	memory, c := Load(Param("s"), GP64()), GP64()
	place := func(i int) Mem { return Mem{Base: memory, Index: c, Scale: 4, Disp: 4 * wideColumns * i} }
	columns := func(label string, body func()) {
		XORQ(c, c)
		Label(k.label + label)
		body()
		ADDQ(Imm(uint64(k.lanes)), c)
		CMPQ(c, wide)
		JLT(LabelRef(k.label + label))
	}
	var per []Register
	for _, p := range k.coefficients {
		per = append(per, Load(Param(p), GP64()))
	}
	Label(k.label + "some")
	k.some()
	columns("clear", func() {
		zero := k.new()
		VXORPS(zero, zero, zero)
		VMOVUPS(zero, place(0))
		VMOVUPS(zero, place(1))
	})
	Label(k.label + "row")
	columns("column", func() {
		var at []Mem
		for _, b := range k.base {
			at = append(at, Mem{Base: b, Index: c, Scale: 4})
		}
		var coefficients []Op
		for _, p := range per {
			coefficients = append(coefficients, Mem{Base: p, Index: c, Scale: 4})
		}
		first, second := k.new(), k.new()
		VMOVUPS(place(0), first)
		VMOVUPS(place(1), second)
		k.add(k.vectors, at, coefficients, k.limits, first, second)
		VMOVUPS(first, place(0))
		VMOVUPS(second, place(1))
	})
	k.next(k.label + "row")
	columns("sums", func() {
		for i, out := range k.out {
			v := k.new()
			VMOVUPS(place(i), v)
			k.addDoubles(v, Mem{Base: out, Index: c, Scale: 8})
		}
	})
	k.end(k.label + "some")
}

// addDoubles adds v, which it overwrites, to float64 in memory.
func (x vectors) addDoubles(v VecVirtual, at Mem) {
	wide := x.new()
	for i := range 2 {
		if i == 1 && x.lanes == 8 {
			VEXTRACTF128(Imm(1), v, v.AsX())
		} else if i == 1 {
			VEXTRACTF64X4(Imm(1), v, v.AsY())
		}
		if x.lanes == 8 {
			VCVTPS2PD(v.AsX(), wide)
		} else {
			VCVTPS2PD(v.AsY(), wide)
		}
		VADDPD(at.Offset(4*x.lanes*i), wide, wide)
		VMOVUPD(wide, at.Offset(4*x.lanes*i))
	}
}

// sumKernels generates the kernels of sums of a tier.
func (x vectors) sumKernels() {
	for _, s := range []channelSums{
		{"channelMoments", "src-shift and its square", []string{"src"}, []string{"shift"}, false, false, func(x vectors, at []Mem, coefficient []Op, _ [2]VecVirtual, first, second VecVirtual) {
			d := x.new()
			VMOVUPS(at[0], d)
			VSUBPS(coefficient[0], d, d)
			VADDPS(d, first, first)
			VMULPS(d, d, d)
			VADDPS(d, second, second)
		}},
		{"channelDots", "dy and dy*x", []string{"dy", "x"}, nil, false, false, func(x vectors, at []Mem, _ []Op, _ [2]VecVirtual, first, second VecVirtual) {
			d := x.new()
			VMOVUPS(at[0], d)
			VADDPS(d, first, first)
			VMULPS(at[1], d, d)
			VADDPS(d, second, second)
		}},
		{"gateSums", "the dy that pass a Gate, and their products with src", []string{"src", "dy", "add"}, []string{"scale", "shift"}, true, true, func(x vectors, at []Mem, coefficient []Op, limits [2]VecVirtual, first, second VecVirtual) {
			src := x.new()
			VMOVUPS(at[0], src)
			d := x.keep(at[1], x.within(x.gated(src, at[2:], coefficient), limits))
			VADDPS(d, first, first)
			VMULPS(src, d, d)
			VADDPS(d, second, second)
		}},
	} {
		s.generate(x)
	}
}
