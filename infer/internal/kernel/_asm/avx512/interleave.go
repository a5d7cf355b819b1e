// SPDX-License-Identifier: Apache-2.0

package avx512

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// interleave generates the copy of several lines to one.
func interleave() {
	interleaveLines(4)
	interleaveLines(8)
}

// interleaveLines copies so many lines: 16 bytes of four of them fill a register.
func interleaveLines(lines int) {
	TEXT(fmt.Sprintf("interleaveLines%d", lines), NOSPLIT, "func(dst *uint8, dstStep int, src *uint8, srcStep int, offsets *int, parts int, order *[128]uint8)")
	Doc(fmt.Sprintf("interleaveLines%d writes parts of %d bytes, dstStep bytes apart: of the 16 bytes at each of %d offsets in src, one after", lines, 16*lines, lines),
		"the other, those that order names. From part to part, src moves by srcStep bytes.")
	Pragma("noescape")
	dst, src, parts := Load(Param("dst"), GP64()), Load(Param("src"), GP64()), Load(Param("parts"), GP64())
	dstStep, srcStep := Load(Param("dstStep"), GP64()), Load(Param("srcStep"), GP64())
	offsets, order := Load(Param("offsets"), GP64()), Load(Param("order"), GP64())
	Label("part")
	var from []VecVirtual // four lines each
	for line := range lines {
		at := GP64()
		MOVQ(Mem{Base: offsets, Disp: 8 * line}, at)
		codes := Mem{Base: src, Index: at, Scale: 1}
		if line%4 == 0 {
			four := ZMM()
			VMOVDQU32(codes, four.AsX())
			from = append(from, four)
		} else {
			four := from[line/4]
			VINSERTI32X4(Imm(uint64(line%4)), codes, four, four)
		}
	}
	for i := range from {
		to := ZMM()
		VMOVDQU64(Mem{Base: order, Disp: 64 * i}, to)
		if lines == 4 {
			VPERMB(from[0], to, to)
		} else {
			VPERMI2B(from[1], from[0], to)
		}
		VMOVDQU64(to, Mem{Base: dst, Disp: 64 * i})
	}
	ADDQ(srcStep, src)
	ADDQ(dstStep, dst)
	DECQ(parts)
	JNZ(LabelRef("part"))
	VZEROUPPER()
	RET()
}
