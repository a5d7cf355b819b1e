// SPDX-License-Identifier: Apache-2.0

package avx512

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// pad generates copies of image lines between padding, of codes and of the signs of codes.
func pad() {
	padLines("padLines", "", nil, "padLines writes lines to dst, each of left times code, inside bytes of src, and right times code. Lines of src are",
		"pitch bytes apart. It writes up to 64 bytes after the last line.")
	padLines("padSigns", ", bounds *uint8", signsOf, "padSigns is padLines of signs: 1 for codes that are at most 64 last ones, bounds, and at least so many less, which follow",
		"there, and else 0.")
}

// signsOf returns what makes signs of 64 codes.
func signsOf() func(codes VecVirtual) {
	last, count, ones, one, bounds := ZMM(), ZMM(), ZMM(), GP64(), Load(Param("bounds"), GP64())
	VMOVDQU64(Mem{Base: bounds}, last)
	VMOVDQU64(Mem{Base: bounds, Disp: 64}, count)
	MOVQ(U32(1), one)
	VPBROADCASTB(one.As32(), ones)
	return func(codes VecVirtual) {
		inside := K()
		VPSUBB(codes, last, codes)
		VPCMPUB(Imm(2), count, codes, inside)
		VMOVDQU8_Z(ones, inside, codes)
	}
}

// padLines generates a copy of image lines between padding, with what is done to 64 codes, if anything is.
func padLines(name, parameters string, prepare func() func(codes VecVirtual), doc ...string) {
	TEXT(name, NOSPLIT, "func(dst, src *uint8, lines, pitch, left, inside, right, code int"+parameters+")")
	Doc(doc...)
	Pragma("noescape")
	change := func(VecVirtual) {}
	if prepare != nil {
		change = prepare()
	}
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
	change(codes)
	VMOVDQU64(codes, Mem{Base: dst, Index: at, Scale: 1})
	ADDQ(Imm(64), at)
	CMPQ(at, last)
	JLE(LabelRef("codes"))
	VMOVDQU64(Mem{Base: src, Index: last, Scale: 1}, codes)
	change(codes)
	VMOVDQU64(codes, Mem{Base: dst, Index: last, Scale: 1})
	JMP(LabelRef("behind"))
	Label("narrow")
	VMOVDQU8_Z(Mem{Base: src}, part, codes)
	change(codes)
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
