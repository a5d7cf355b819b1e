// SPDX-License-Identifier: Apache-2.0

package avx512

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// pad generates the copy of image lines between padding.
func pad() {
	TEXT("padLines", NOSPLIT, "func(dst, src *uint8, lines, pitch, left, inside, right, code int)")
	Doc("padLines writes lines to dst, each of left times code, inside bytes of src, and right times code. Lines of src are",
		"pitch bytes apart. It writes up to 64 bytes after the last line.")
	Pragma("noescape")
	dst, src, lines := Load(Param("dst"), GP64()), Load(Param("src"), GP64()), Load(Param("lines"), GP64())
	pitch, left, inside, right := Load(Param("pitch"), GP64()), Load(Param("left"), GP64()), Load(Param("inside"), GP64()), Load(Param("right"), GP64())
	code, codes := ZMM(), ZMM()
	broadcastByte("code", code)
	part, mask := K(), GP64()
	MOVQ(I32(-1), mask) // BZHI leaves all of its bits for 64 and more
	BZHIQ(inside, mask, mask)
	KMOVQ(mask, part)

	Label("line")
	at := fill("left", dst, left, code)
	CMPQ(inside, Imm(64))
	JLT(LabelRef("narrow"))
	LEAQ(Mem{Base: inside, Disp: -64}, at)
	last := GP64()
	MOVQ(at, last)
	XORQ(at, at)
	Label("codes")
	VMOVDQU64(Mem{Base: src, Index: at, Scale: 1}, codes)
	VMOVDQU64(codes, Mem{Base: dst, Index: at, Scale: 1})
	ADDQ(Imm(64), at)
	CMPQ(at, last)
	JLE(LabelRef("codes"))
	VMOVDQU64(Mem{Base: src, Index: last, Scale: 1}, codes)
	VMOVDQU64(codes, Mem{Base: dst, Index: last, Scale: 1})
	JMP(LabelRef("behind"))
	Label("narrow")
	VMOVDQU8_Z(Mem{Base: src}, part, codes)
	VMOVDQU64(codes, Mem{Base: dst})
	Label("behind")
	ADDQ(inside, dst)
	fill("right", dst, right, code)
	ADDQ(pitch, src)
	DECQ(lines)
	JNZ(LabelRef("line"))
	VZEROUPPER()
	RET()
}

// fill writes n bytes of code, and up to 64 more after, and moves dst after the n.
func fill(name string, dst, n Register, code VecVirtual) GPVirtual {
	at := GP64()
	XORQ(at, at)
	JMP(LabelRef(name + "Test"))
	Label(name)
	VMOVDQU64(code, Mem{Base: dst, Index: at, Scale: 1})
	ADDQ(Imm(64), at)
	Label(name + "Test")
	CMPQ(at, n)
	JLT(LabelRef(name))
	ADDQ(n, dst)
	return at
}
