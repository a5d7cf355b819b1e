// SPDX-License-Identifier: Apache-2.0

package avx512

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// depthwise generates the depthwise convolutions.
func depthwise() {
	for _, w := range []width{{64, ZMM}, {32, YMM}, {16, XMM}} {
		w.depthwise()
		for lines := 1; lines <= 2; lines++ {
			w.square(lines)
		}
	}
}

// A width is the bytes of a block and its registers.
type width struct {
	bytes    int
	register func() VecVirtual
}

func (w width) depthwise() {
	name := fmt.Sprintf("depthwise%d", w.bytes)
	TEXT(name, NOSPLIT, "func(dst, x *uint8, offsets *int32, groups, lines, line, pixels, step, blocks int, weights *int8, table *int64, zero, least, most int)")
	Doc(fmt.Sprintf("%s writes codes of a depthwise convolution one after the other, %d at a time: of blocks next to each other in", name, w.bytes),
		"x, for pixels step bytes apart in x, for lines line bytes apart:", "",
		"\tdst = clamp(zero + RNE((Σ x[offsets[tap]]·w[tap]·M + constant) · 2^-shift), least, most)", "",
		"The taps are in groups of 4. Weights are [block][group][4 vectors][lane][4 taps], and the table is [block][4 vectors] of",
		"M, M of odd lanes, the constants of even and of odd lanes, and the shift less 32. Vector v has the codes 4v to 4v+3 of",
		"each 16 of a block.")
	Pragma("noescape")
	lanes, limits := evenLanes(), newLimits(w.register)
	dst := Load(Param("dst"), GP64())
	lineAt, pixelAt := Load(Param("x"), GP64()), GP64()
	lines, pixels := AllocLocal(8), GP64()
	n := Load(Param("lines"), GP64())
	MOVQ(n, lines)
	Label("line")
	Load(Param("pixels"), pixels)
	MOVQ(lineAt, pixelAt)
	Label("pixel")
	weights, table := Load(Param("weights"), GP64()), Load(Param("table"), GP64())
	blocks, x := Load(Param("blocks"), GP64()), GP64()
	MOVQ(pixelAt, x)
	Label("block")
	var sums [4]VecVirtual
	for v := range sums {
		sums[v] = w.register()
		VPXORD(sums[v], sums[v], sums[v])
	}
	offsets, groups := Load(Param("offsets"), GP64()), Load(Param("groups"), GP64())
	Label("group")
	var taps [4]VecVirtual
	for i := range taps {
		offset := GP64()
		MOVLQSX(Mem{Base: offsets, Disp: 4 * i}, offset)
		taps[i] = w.register()
		VMOVDQU32(Mem{Base: x, Index: offset, Scale: 1}, taps[i])
	}
	for v, q := range w.interleave(taps) {
		VPDPBUSD(Mem{Base: weights, Disp: v * w.bytes}, q, sums[v])
	}
	ADDQ(Imm(16), offsets)
	ADDQ(U32(uint32(4*w.bytes)), weights)
	DECQ(groups)
	JNZ(LabelRef("group"))
	for v, sum := range sums {
		sums[v] = w.requantize(sum, w.constants(table, v), lanes)
	}
	ADDQ(U32(uint32(20*w.bytes)), table)
	limits.store(sums, Mem{Base: dst})
	ADDQ(Imm(uint64(w.bytes)), dst)
	ADDQ(Imm(uint64(w.bytes)), x)
	DECQ(blocks)
	JNZ(LabelRef("block"))
	step := Load(Param("step"), GP64())
	ADDQ(step, pixelAt)
	DECQ(pixels)
	JNZ(LabelRef("pixel"))
	line := Load(Param("line"), GP64())
	ADDQ(line, lineAt)
	DECQ(lines)
	JNZ(LabelRef("line"))
	VZEROUPPER()
	RET()
}

// interleave returns the four bytes of each code next to each other: vector v those of the codes 4v to 4v+3 of each 16.
func (w width) interleave(taps [4]VecVirtual) (vectors [4]VecVirtual) {
	var pairs [2][2]VecVirtual // [half of each 16][taps 0, 1 or 2, 3]
	for i := range 2 {
		pairs[0][i], pairs[1][i] = w.register(), w.register()
		VPUNPCKLBW(taps[2*i+1], taps[2*i], pairs[0][i])
		VPUNPCKHBW(taps[2*i+1], taps[2*i], pairs[1][i])
	}
	for half, p := range pairs {
		vectors[2*half], vectors[2*half+1] = w.register(), w.register()
		VPUNPCKLWD(p[1], p[0], vectors[2*half])
		VPUNPCKHWD(p[1], p[0], vectors[2*half+1])
	}
	return vectors
}

// constants are those of vector v in a table.
func (w width) constants(table Register, v int) (constants [5]Op) {
	for i := range constants {
		constants[i] = Mem{Base: table, Disp: (5*v + i) * w.bytes}
	}
	return constants
}

// requantize returns the rounded numbers of sums.
func (w width) requantize(sum VecVirtual, constants [5]Op, lanes Register) VecVirtual {
	high := odd(sum, w.register())
	scale(constants[0], sum, constants[2], sum)
	scale(constants[1], high, constants[3], high)
	round(sum, high, lanes, constants[4], sum)
	return sum
}

// store writes the rounded numbers of four vectors as codes.
func (l limits) store(numbers [4]VecVirtual, to Mem) {
	narrow(numbers[0], numbers[1], l.zero)
	narrow(numbers[2], numbers[3], l.zero)
	l.clamp(numbers[0], numbers[2])
	VMOVDQU32(numbers[0], to)
}

// A square is the state of a 3 × 3 kernel on some lines of the output.
type square struct {
	width
	lines               int
	lanes               Register
	limits              limits
	rows                []Mem // of x, from the first one
	tap, weights, table GPVirtual
	kept                [12]VecVirtual // weights of the first line
}

func parameter(name string) GPVirtual { return Load(Param(name), GP64()).(GPVirtual) }

// square is the 3 × 3 kernel. The codes that are below each other are interleaved: three rows for one line of the output,
// or four, which serve two lines.
func (w width) square(lines int) {
	name := fmt.Sprintf("depthwise3x3Lines%dx%d", lines, w.bytes)
	TEXT(name, NOSPLIT, "func(dst *uint8, dstLine, dstStep int, x *uint8, pitch, tap, times, line, pixels, step, blocks int, weights *int8, table *int64, zero, least, most int)")
	Doc(fmt.Sprintf("%s is depthwise%d for a kernel of 3 × 3 taps, pitch and tap bytes apart in x, times over,", name, w.bytes),
		fmt.Sprintf("each time line bytes after in x and for %d lines of the output. Blocks of the output are dstStep bytes apart, in lines of", lines),
		"dstLine bytes. Weights are [block][2 lines][column of the kernel][4 vectors][lane][4 rows of x].")
	Pragma("noescape")
	s := &square{width: w, lines: lines, lanes: evenLanes(), limits: newLimits(w.register)}
	dstAt, xAt, blocks, times := AllocLocal(8), AllocLocal(8), AllocLocal(8), AllocLocal(8)
	dst, x := parameter("dst"), parameter("x")
	MOVQ(dst, dstAt)
	MOVQ(x, xAt)
	MOVQ(parameter("blocks"), blocks)
	pitch := parameter("pitch")
	s.tap = parameter("tap")
	dstLine := parameter("dstLine")
	s.weights, s.table = parameter("weights"), parameter("table")
	s.rows = []Mem{{}, {Index: pitch, Scale: 1}, {Index: pitch, Scale: 2}}
	if lines > 1 {
		pitch3 := GP64()
		LEAQ(Mem{Base: pitch, Index: pitch, Scale: 2}, pitch3)
		s.rows = append(s.rows, Mem{Index: pitch3, Scale: 1})
	}

	Label("block")
	for i := range s.kept {
		s.kept[i] = w.register()
		VMOVDQU32(Mem{Base: s.weights, Disp: i * w.bytes}, s.kept[i])
	}
	MOVQ(parameter("times"), times)
	Label("line")
	pixels := parameter("pixels")
	lineDst, lineX := GP64(), GP64()
	MOVQ(dst, lineDst)
	MOVQ(x, lineX)
	Label("pixel")
	s.pixel(lineDst, lineX, dstLine)
	ADDQ(parameter("dstStep"), lineDst)
	ADDQ(parameter("step"), lineX)
	DECQ(pixels)
	JNZ(LabelRef("pixel"))
	ADDQ(parameter("line"), x)
	for range lines {
		ADDQ(dstLine, dst)
	}
	DECQ(times)
	JNZ(LabelRef("line"))
	MOVQ(dstAt, dst)
	MOVQ(xAt, x)
	ADDQ(Imm(uint64(w.bytes)), dst)
	ADDQ(Imm(uint64(w.bytes)), x)
	MOVQ(dst, dstAt)
	MOVQ(x, xAt)
	ADDQ(U32(uint32(24*w.bytes)), s.weights)
	ADDQ(U32(uint32(20*w.bytes)), s.table)
	DECQ(blocks)
	JNZ(LabelRef("block"))
	VZEROUPPER()
	RET()
}

// pixel writes a block of codes of each line of the output.
func (s *square) pixel(dst, x, dstLine Register) {
	sums := s.products(x)
	for v := range 4 {
		constants := s.constants(s.table, v)
		if s.lines > 1 {
			for i, c := range constants {
				z := s.register()
				VMOVDQU32(c, z)
				constants[i] = z
			}
		}
		for l := range sums {
			sums[l][v] = s.requantize(sums[l][v], constants, s.lanes)
		}
	}
	to := Mem{Base: dst}
	for l := range sums {
		s.limits.store(sums[l], to)
		to.Index, to.Scale = dstLine, 1
	}
}

// products returns the sums of the lines of the output.
func (s *square) products(x Register) [][4]VecVirtual {
	sums := make([][4]VecVirtual, s.lines)
	for l := range sums {
		for v := range sums[l] {
			sums[l][v] = s.register()
			VPXORD(sums[l][v], sums[l][v], sums[l][v])
		}
	}
	at := GP64()
	MOVQ(x, at)
	for column := range 3 {
		var taps [4]VecVirtual
		for i, row := range s.rows {
			taps[i] = s.register()
			row.Base = at
			VMOVDQU32(row, taps[i])
		}
		if s.lines == 1 {
			taps[3] = taps[2] // meets weights of 0
		}
		for v, q := range s.interleave(taps) {
			VPDPBUSD(s.kept[4*column+v], q, sums[0][v])
			if s.lines > 1 {
				VPDPBUSD(Mem{Base: s.weights, Disp: (12 + 4*column + v) * s.bytes}, q, sums[1][v])
			}
		}
		if column < 2 {
			ADDQ(s.tap, at)
		}
	}
	return sums
}
