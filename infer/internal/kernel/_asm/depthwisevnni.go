// SPDX-License-Identifier: Apache-2.0

// Command depthwisevnni generates the AVX-512 VNNI depthwise convolutions of the integer runtime.
package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

func main() {
	ConstraintExpr("!purego")
	for _, w := range []width{{64, ZMM}, {32, YMM}, {16, XMM}} {
		w.depthwise()
		for lines := 1; lines <= 2; lines++ {
			w.square(lines)
		}
	}
	Generate()
}

// A width is the bytes of a block and its registers.
type width struct {
	bytes    int
	register func() VecVirtual
}

func (w width) depthwise() {
	name := fmt.Sprintf("depthwiseVNNI%d", w.bytes)
	TEXT(name, NOSPLIT, "func(dst, x *uint8, offsets *int32, groups, lines, line, pixels, step, blocks int, weights *int8, table *int64, zero, least, most int)")
	Doc(fmt.Sprintf("%s writes codes of a depthwise convolution one after the other, %d at a time: of blocks next to each other in", name, w.bytes),
		"x, for pixels step bytes apart in x, for lines line bytes apart:", "",
		"\tdst = clamp(zero + RNE((Σ x[offsets[tap]]·w[tap]·M + constant) · 2^-shift), least, most)", "",
		"The taps are in groups of 4. Weights are [block][group][4 vectors][lane][4 taps], and the table is [block][4 vectors] of",
		"M, M of odd lanes, the constants of even and of odd lanes, and the shift less 32. Vector v has the codes 4v to 4v+3 of",
		"each 16 of a block.")
	Pragma("noescape")
	e := w.end()
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
		sums[v] = w.round(sum, w.constants(table, v), e.odd)
	}
	ADDQ(U32(uint32(20*w.bytes)), table)
	e.codes(sums, Mem{Base: dst})
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

// round returns the rounded numbers of sums.
func (w width) round(sum VecVirtual, constants [5]Op, odd Register) VecVirtual {
	high := w.register()
	VPSRLQ(Imm(32), sum, high)
	VPMULDQ(constants[0], sum, sum)
	VPADDQ(constants[2], sum, sum)
	VPMULDQ(constants[1], high, high)
	VPADDQ(constants[3], high, high)
	VPSHUFD(Imm(0xf5), sum, odd, high) // the high halves of all
	VPSRAVD(constants[4], high, sum)
	return sum
}

// An end is what rounded numbers need to become codes.
type end struct {
	odd               Register // mask of odd lanes, for round
	zero, least, most VecVirtual
}

func (w width) end() *end {
	e := &end{odd: K(), zero: w.register(), least: w.register(), most: w.register()}
	bits := GP64()
	MOVQ(U32(0x5555), bits)
	KMOVW(bits.As32(), e.odd)
	for _, p := range []struct {
		name string
		to   VecVirtual
		wide bool
	}{{"zero", e.zero, true}, {"least", e.least, false}, {"most", e.most, false}} {
		value, low := Load(Param(p.name), GP64()), p.to.AsX()
		VMOVQ(value, low)
		if p.wide {
			VPBROADCASTW(low, p.to)
		} else {
			VPBROADCASTB(low, p.to)
		}
	}
	return e
}

// codes writes the rounded numbers of four vectors as codes.
func (e *end) codes(numbers [4]VecVirtual, to Mem) {
	VPACKSSDW(numbers[1], numbers[0], numbers[0])
	VPADDSW(e.zero, numbers[0], numbers[0])
	VPACKSSDW(numbers[3], numbers[2], numbers[2])
	VPADDSW(e.zero, numbers[2], numbers[2])
	VPACKUSWB(numbers[2], numbers[0], numbers[0])
	VPMAXUB(e.least, numbers[0], numbers[0])
	VPMINUB(e.most, numbers[0], numbers[0])
	VMOVDQU32(numbers[0], to)
}

// square is the 3 × 3 kernel. The codes that are below each other are interleaved: three rows for one line of the output,
// or four, which serve two lines.
func (w width) square(lines int) {
	name := fmt.Sprintf("depthwiseVNNI3x3Lines%dx%d", lines, w.bytes)
	TEXT(name, NOSPLIT, "func(dst *uint8, dstLine, dstStep int, x *uint8, pitch, tap, times, line, pixels, step, blocks int, weights *int8, table *int64, zero, least, most int)")
	Doc(fmt.Sprintf("%s is depthwiseVNNI%d for a kernel of 3 × 3 taps, pitch and tap bytes apart in x, times over,", name, w.bytes),
		fmt.Sprintf("each time line bytes behind in x and for %d lines of the output. Blocks of the output are dstStep bytes apart, in lines of", lines),
		"dstLine bytes. Weights are [block][2 lines][column of the kernel][4 vectors][lane][4 rows of x].")
	Pragma("noescape")
	e := w.end()
	load := func(name string) GPVirtual { return Load(Param(name), GP64()).(GPVirtual) }
	dstAt, xAt, blocks, times := AllocLocal(8), AllocLocal(8), AllocLocal(8), AllocLocal(8)
	dst, x := load("dst"), load("x")
	MOVQ(dst, dstAt)
	MOVQ(x, xAt)
	MOVQ(load("blocks"), blocks)
	pitch, tap, dstLine := load("pitch"), load("tap"), load("dstLine")
	weights, table := load("weights"), load("table")
	rows := []Mem{{}, {Index: pitch, Scale: 1}, {Index: pitch, Scale: 2}}
	if lines > 1 {
		pitch3 := GP64()
		LEAQ(Mem{Base: pitch, Index: pitch, Scale: 2}, pitch3)
		rows = append(rows, Mem{Index: pitch3, Scale: 1})
	}

	Label("block")
	var kept [12]VecVirtual // weights of the first line
	for i := range kept {
		kept[i] = w.register()
		VMOVDQU32(Mem{Base: weights, Disp: i * w.bytes}, kept[i])
	}
	MOVQ(load("times"), times)
	Label("line")
	pixels := load("pixels")
	lineDst, lineX := GP64(), GP64()
	MOVQ(dst, lineDst)
	MOVQ(x, lineX)
	Label("pixel")
	sums := make([][4]VecVirtual, lines)
	for l := range sums {
		for v := range sums[l] {
			sums[l][v] = w.register()
			VPXORD(sums[l][v], sums[l][v], sums[l][v])
		}
	}
	at := GP64()
	MOVQ(lineX, at)
	for column := range 3 {
		var taps [4]VecVirtual
		for i, row := range rows {
			taps[i] = w.register()
			row.Base = at
			VMOVDQU32(row, taps[i])
		}
		if lines == 1 {
			taps[3] = taps[2] // meets weights of 0
		}
		for v, q := range w.interleave(taps) {
			VPDPBUSD(kept[4*column+v], q, sums[0][v])
			if lines > 1 {
				VPDPBUSD(Mem{Base: weights, Disp: (12 + 4*column + v) * w.bytes}, q, sums[1][v])
			}
		}
		if column < 2 {
			ADDQ(tap, at)
		}
	}
	for v := range 4 {
		constants := w.constants(table, v)
		if lines > 1 {
			for i, c := range constants {
				z := w.register()
				VMOVDQU32(c, z)
				constants[i] = z
			}
		}
		for l := range sums {
			sums[l][v] = w.round(sums[l][v], constants, e.odd)
		}
	}
	to := Mem{Base: lineDst}
	for l := range sums {
		e.codes(sums[l], to)
		to.Index, to.Scale = dstLine, 1
	}
	ADDQ(load("dstStep"), lineDst)
	ADDQ(load("step"), lineX)
	DECQ(pixels)
	JNZ(LabelRef("pixel"))
	ADDQ(load("line"), x)
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
	ADDQ(U32(uint32(24*w.bytes)), weights)
	ADDQ(U32(uint32(20*w.bytes)), table)
	DECQ(blocks)
	JNZ(LabelRef("block"))
	VZEROUPPER()
	RET()
}
