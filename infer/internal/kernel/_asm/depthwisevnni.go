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
	odd, bits := K(), GP64()
	MOVQ(U32(0x5555), bits)
	KMOVW(bits.As32(), odd)
	zero, least, most := w.register(), w.register(), w.register()
	for _, p := range []struct {
		name string
		to   VecVirtual
		wide bool
	}{{"zero", zero, true}, {"least", least, false}, {"most", most, false}} {
		value, low := Load(Param(p.name), GP64()), p.to.AsX()
		VMOVQ(value, low)
		if p.wide {
			VPBROADCASTW(low, p.to)
		} else {
			VPBROADCASTB(low, p.to)
		}
	}

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
		sums[v] = w.round(sum, table, 5*v, odd)
	}
	ADDQ(U32(uint32(20*w.bytes)), table)
	VPACKSSDW(sums[1], sums[0], sums[0])
	VPADDSW(zero, sums[0], sums[0])
	VPACKSSDW(sums[3], sums[2], sums[2])
	VPADDSW(zero, sums[2], sums[2])
	VPACKUSWB(sums[2], sums[0], sums[0])
	VPMAXUB(least, sums[0], sums[0])
	VPMINUB(most, sums[0], sums[0])
	VMOVDQU32(sums[0], Mem{Base: dst})
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

// round returns the rounded numbers of sums; their constants are vectors of the table from the given one.
func (w width) round(sum VecVirtual, table Register, at int, odd Register) VecVirtual {
	constants := func(i int) Mem { return Mem{Base: table, Disp: (at + i) * w.bytes} }
	high := w.register()
	VPSRLQ(Imm(32), sum, high)
	VPMULDQ(constants(0), sum, sum)
	VPADDQ(constants(2), sum, sum)
	VPMULDQ(constants(1), high, high)
	VPADDQ(constants(3), high, high)
	VPSHUFD(Imm(0xf5), sum, odd, high) // the high halves of all
	VPSRAVD(constants(4), high, high)
	return high
}
