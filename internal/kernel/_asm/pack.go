// SPDX-License-Identifier: Apache-2.0

package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// transpose generates the transposition of 16 rows of src, stride elements
// apart, into a panel of k rows of 16, 8 x 8 elements at a time.
func transpose() {
	text("transposeAVX2", "panel, src *float32, stride, k int", "transposeAVX2 is transpose of 16 columns and k steps, a positive multiple of 8.")
	panel, src, stride, k := Load(Param("panel"), GP64()), Load(Param("src"), GP64()), Load(Param("stride"), GP64()), Load(Param("k"), GP64())
	SHLQ(Imm(2), stride)
	three, half := GP64(), GP64()
	LEAQ(Mem{Base: stride, Index: stride, Scale: 2}, three)
	Label("loop")
	for block := range 2 {
		// Rows 0 to 3 in the low halves, rows 4 to 7 in the high ones.
		low := GP64()
		if block == 0 {
			MOVQ(src, low)
		} else {
			LEAQ(Mem{Base: half, Index: stride, Scale: 4}, low)
		}
		half = GP64()
		LEAQ(Mem{Base: low, Index: stride, Scale: 4}, half)
		row := func(base Register, i, column int) Mem {
			m := Mem{Base: base, Disp: 4 * column}
			switch i {
			case 1:
				m.Index, m.Scale = stride, 1
			case 2:
				m.Index, m.Scale = stride, 2
			case 3:
				m.Index, m.Scale = three, 1
			}
			return m
		}
		for _, column := range []int{0, 4} {
			var in [4]VecVirtual
			for i := range in {
				in[i] = YMM()
				VBROADCASTF128(row(low, i, column), in[i])
				VINSERTF128(Imm(1), row(half, i, column), in[i], in[i])
			}
			a, b, c, d := YMM(), YMM(), YMM(), YMM()
			VUNPCKLPS(in[1], in[0], a) // 00 10 01 11
			VUNPCKHPS(in[1], in[0], b) // 02 12 03 13
			VUNPCKLPS(in[3], in[2], c)
			VUNPCKHPS(in[3], in[2], d)
			for i, pair := range [][2]VecVirtual{{a, c}, {b, d}} {
				even, odd := YMM(), YMM()
				VUNPCKLPD(pair[1], pair[0], even)
				VUNPCKHPD(pair[1], pair[0], odd)
				VMOVUPS(even, Mem{Base: panel, Disp: 4 * (16*(column+2*i) + 8*block)})
				VMOVUPS(odd, Mem{Base: panel, Disp: 4 * (16*(column+2*i+1) + 8*block)})
			}
		}
	}
	ADDQ(Imm(4*8), src)
	ADDQ(U32(4*8*16), panel)
	SUBQ(Imm(8), k)
	JNE(LabelRef("loop"))
	VZEROUPPER()
	RET()
}

// transposeWide generates the same by AVX-512, 16 x 16 elements at a time, so that
// each line of src is read once.
func transposeWide() {
	text("transposeAVX512", "panel, src *float32, stride, k int", "transposeAVX512 is transpose of 16 columns and k steps, a positive multiple of 16.")
	panel, src, stride, k := Load(Param("panel"), GP64()), Load(Param("src"), GP64()), Load(Param("stride"), GP64()), Load(Param("k"), GP64())
	SHLQ(Imm(2), stride)
	three, four := GP64(), GP64()
	LEAQ(Mem{Base: stride, Index: stride, Scale: 2}, three)
	Label("loop")
	MOVQ(src, four)
	var quads [4][4]VecVirtual // of rows 4g to 4g+3: in lane l of [g][j], column 4l+j
	for g := range quads {
		var in, pairs [4]VecVirtual
		for i, at := range []Mem{{Base: four}, {Base: four, Index: stride, Scale: 1}, {Base: four, Index: stride, Scale: 2}, {Base: four, Index: three, Scale: 1}} {
			in[i], pairs[i] = ZMM(), ZMM()
			VMOVUPS(at, in[i])
		}
		LEAQ(Mem{Base: four, Index: stride, Scale: 4}, four)
		for i := 0; i < 4; i += 2 {
			VUNPCKLPS(in[i+1], in[i], pairs[i])
			VUNPCKHPS(in[i+1], in[i], pairs[i+1])
		}
		for j := range quads[g] {
			quads[g][j] = ZMM()
			if j%2 == 0 {
				VUNPCKLPD(pairs[2+j/2], pairs[j/2], quads[g][j])
			} else {
				VUNPCKHPD(pairs[2+j/2], pairs[j/2], quads[g][j])
			}
		}
	}
	const even, odd = 0x88, 0xdd // lanes of two sources
	for j := range 4 {
		for first, lanes := range []uint64{even, odd} {
			low, high := ZMM(), ZMM()
			VSHUFF32X4(Imm(lanes), quads[1][j], quads[0][j], low)
			VSHUFF32X4(Imm(lanes), quads[3][j], quads[2][j], high)
			for half, lanes := range []uint64{even, odd} {
				column := ZMM()
				VSHUFF32X4(Imm(lanes), high, low, column)
				VMOVUPS(column, Mem{Base: panel, Disp: 4 * 16 * (4*(first+2*half) + j)})
			}
		}
	}
	ADDQ(Imm(4*16), src)
	ADDQ(U32(4*16*16), panel)
	SUBQ(Imm(16), k)
	JNE(LabelRef("loop"))
	VZEROUPPER()
	RET()
}

// copyRows generates a copy of rows of n elements between two pitches.
func copyRows() {
	text("copyRowsAVX2", "dst *float32, dstPitch int, src *float32, srcPitch, n, rows int", "copyRowsAVX2 is copyRows of n elements, a positive multiple of 16.")
	dst, src := Load(Param("dst"), GP64()), Load(Param("src"), GP64())
	dstPitch, srcPitch := Load(Param("dstPitch"), GP64()), Load(Param("srcPitch"), GP64())
	n, rows := Load(Param("n"), GP64()), Load(Param("rows"), GP64())
	SHLQ(Imm(2), dstPitch)
	SHLQ(Imm(2), srcPitch)
	SHLQ(Imm(2), n)
	at, low, high := GP64(), YMM(), YMM()
	Label("row")
	XORQ(at, at)
	Label("line")
	VMOVUPS(Mem{Base: src, Index: at, Scale: 1}, low)
	VMOVUPS(Mem{Base: src, Index: at, Scale: 1, Disp: 32}, high)
	VMOVUPS(low, Mem{Base: dst, Index: at, Scale: 1})
	VMOVUPS(high, Mem{Base: dst, Index: at, Scale: 1, Disp: 32})
	ADDQ(Imm(64), at)
	CMPQ(at, n)
	JLT(LabelRef("line"))
	ADDQ(dstPitch, dst)
	ADDQ(srcPitch, src)
	DECQ(rows)
	JNE(LabelRef("row"))
	VZEROUPPER()
	RET()
}

// fetch generates what asks for memory that is read soon.
func fetch() {
	text("fetchAVX2", "src *uint8, n int", "fetchAVX2 is fetch of n bytes, a positive multiple of 64.")
	src, n := Load(Param("src"), GP64()), Load(Param("n"), GP64())
	Label("line")
	PREFETCHT0(Mem{Base: src})
	ADDQ(Imm(64), src)
	SUBQ(Imm(64), n)
	JNE(LabelRef("line"))
	RET()
}
