// SPDX-License-Identifier: Apache-2.0

package avx2

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// Places in a block of the table, in bytes; see addBlock.
const (
	constant   = 0
	half       = 64
	shift      = 128
	unbias     = 192
	multiplier = 224
)

// A term is one operand of the sum.
type term struct {
	at     GPVirtual
	stride string // parameter
	size   int    // bytes of a number
}

// A terms is the kinds of numbers that a requantization sums: their sizes, 4 for int32 and 1 for codes.
type terms struct {
	name, parameters, sum string
	sizes                 []int
}

// finish generates the requantization of one or two terms.
func finish() {
	const two = "a·M₀ + b·M₁"
	finishWide()
	for _, t := range []terms{
		{"WideTies", "a *int32, aStride int", "a·M", []int{4}},
		{"WideCodes", "a *int32, aStride int, b *uint8, bStride int", two, []int{4, 1}},
		{"WideWide", "a *int32, aStride int, b *int32, bStride int", two, []int{4, 4}},
		{"CodesCodes", "a *uint8, aStride int, b *uint8, bStride int", two, []int{1, 1}},
	} {
		t.finish()
	}
}

func (t terms) finish() {
	TEXT("finish"+t.name, NOSPLIT, "func(dst *uint8, dstStride, rows, blocks int, "+t.parameters+", table *int64, most int)")
	Doc("finish"+t.name+" is, for rows of 8·blocks channels, strides in bytes, with table by addBlock,", "",
		"\tdst = clamp(zero + RNE(("+t.sum+" + constant) · 2^-shift), 0, most)")
	Pragma("noescape")

	dst, rows := Load(Param("dst"), GP64()), Load(Param("rows"), GP64())
	one, limit := YMM(), XMM()
	fillOnes(one)
	most := Load(Param("most"), GP64())
	VMOVQ(most, limit)
	VPBROADCASTW(limit, limit)
	var operands []term
	for i, size := range t.sizes {
		name := string("ab"[i])
		operands = append(operands, term{Load(Param(name), GP64()).(GPVirtual), name + "Stride", size})
	}

	Label("row")
	table, blocks, channel := Load(Param("table"), GP64()), Load(Param("blocks"), GP64()), GP64()
	XORQ(channel, channel)
	Label("block")
	sums, width := products(operands, table, channel)
	requantize8(sums, table, one, limit, Mem{Base: dst, Index: channel, Scale: 1})
	ADDQ(Imm(8), channel)
	ADDQ(U32(width), table)
	DECQ(blocks)
	JNZ(LabelRef("block"))

	for _, x := range operands {
		advance(x.stride, x.at)
	}
	advance("dstStride", dst)
	DECQ(rows)
	JNZ(LabelRef("row"))
	VZEROUPPER()
	RET()
}

// products returns the sums of the products of even and of odd channels with the constant, biased by 2^62 to be positive,
// and the width of a block of the table.
func products(operands []term, table, channel Register) (sums [2]VecVirtual, width int) {
	width = multiplier + 64*len(operands)
	for i, x := range operands {
		values := YMM()
		from := Mem{Base: x.at, Index: channel, Scale: uint8(x.size)}
		if x.size == 4 {
			VMOVDQU(from, values)
		} else {
			VPMOVZXBD(from, values)
			VPSLLVD(Mem{Base: table, Disp: width}, values, values)
			width += 32
		}
		for parity := range 2 {
			if parity == 1 {
				VPSRLQ(Imm(32), values, values)
			}
			product := YMM()
			VPMULDQ(Mem{Base: table, Disp: multiplier + 64*i + 32*parity}, values, product)
			if i == 0 {
				sums[parity] = YMM()
				VPADDQ(Mem{Base: table, Disp: constant + 32*parity}, product, sums[parity])
			} else {
				VPADDQ(product, sums[parity], sums[parity])
			}
		}
	}
	return sums, width
}

// requantize8 writes the codes of 8 channels.
func requantize8(sums [2]VecVirtual, table Register, one, limit VecVirtual, to Mem) {
	for parity, x := range sums {
		roundHalf(x, Mem{Base: table, Disp: shift + 32*parity}, Mem{Base: table, Disp: half + 32*parity}, one)
		VPSRLVQ(Mem{Base: table, Disp: shift + 32*parity}, x, x)
	}
	VPSLLQ(Imm(32), sums[1], sums[1])
	VPBLENDD(Imm(0xaa), sums[1], sums[0], sums[0])
	VPSUBD(Mem{Base: table, Disp: unbias}, sums[0], sums[0])
	low, high := sums[0].AsX(), XMM()
	VEXTRACTI128(Imm(1), sums[0], high)
	VPACKUSDW(high, low, low)
	VPMINUW(limit, low, low)
	VPACKUSWB(low, low, low)
	VMOVQ(low, to)
}

func advance(stride string, at Register) {
	s := Load(Param(stride), GP64())
	ADDQ(s, at)
}

// Places in a block of the table of finishWide, in bytes; see wideFinish.
const (
	wideConstant   = 0
	wideMultiplier = 64
	wideShift      = 128
	wideBlock      = 160
)

// finishWide generates the requantization of one term where the constant decides all ties.
func finishWide() {
	TEXT("finishWide", NOSPLIT, "func(dst *uint8, dstStride, rows, blocks int, a *int32, aStride int, table *int64, zero, most int)")
	Doc("finishWide is, for rows of 8·blocks channels, strides in bytes, with table by wideFinish,", "",
		"\tdst = clamp(zero + floor((a·M + constant) · 2^-shift), 0, most)")
	Pragma("noescape")
	dst, a, rows := Load(Param("dst"), GP64()), Load(Param("a"), GP64()), Load(Param("rows"), GP64())
	zero, limit := YMM(), YMM()
	VMOVQ(Load(Param("zero"), GP64()), zero.AsX())
	VPBROADCASTW(zero.AsX(), zero)
	VMOVQ(Load(Param("most"), GP64()), limit.AsX())
	VPBROADCASTB(limit.AsX(), limit)
	Label("row")
	table, blocks, channel := Load(Param("table"), GP64()), Load(Param("blocks"), GP64()), GP64()
	XORQ(channel, channel)
	Label("block")
	SUBQ(Imm(2), blocks)
	JLT(LabelRef("last"))
	first, second := wide8(a, channel, table, 0), wide8(a, channel, table, 1)
	VMOVDQU(wideCodes(first, second, zero, limit), Mem{Base: dst, Index: channel, Scale: 1})
	ADDQ(Imm(16), channel)
	ADDQ(U32(2*wideBlock), table)
	TESTQ(blocks, blocks)
	JNZ(LabelRef("block"))
	JMP(LabelRef("next"))
	Label("last")
	only := wide8(a, channel, table, 0)
	VMOVQ(wideCodes(only, only, zero, limit), Mem{Base: dst, Index: channel, Scale: 1})
	Label("next")
	advance("aStride", a)
	advance("dstStride", dst)
	DECQ(rows)
	JNZ(LabelRef("row"))
	VZEROUPPER()
	RET()
}

// wide8 returns the rounded sums of 8 channels, block blocks after a channel.
func wide8(a, channel, table Register, block int) VecVirtual {
	even, odd := YMM(), YMM()
	at := block * wideBlock
	VMOVDQU(Mem{Base: a, Index: channel, Scale: 4, Disp: 32 * block}, even)
	VPSRLQ(Imm(32), even, odd)
	for parity, x := range []VecVirtual{even, odd} {
		VPMULDQ(Mem{Base: table, Disp: at + wideMultiplier + 32*parity}, x, x)
		VPADDQ(Mem{Base: table, Disp: at + wideConstant + 32*parity}, x, x)
	}
	VPSRLQ(Imm(32), even, even)
	VPBLENDD(Imm(0xaa), odd, even, even)
	VPSRAVD(Mem{Base: table, Disp: at + wideShift}, even, even)
	return even
}

// wideCodes returns the codes of twice 8 channels.
func wideCodes(first, second, zero, limit VecVirtual) VecVirtual {
	words := YMM()
	VPACKSSDW(second, first, words)
	VPADDSW(zero, words, words)
	VPACKUSWB(words, words, words)
	low, high := words.AsX(), XMM()
	VEXTRACTI128(Imm(1), words, high)
	VPUNPCKLDQ(high, low, low)
	VPMINUB(limit.AsX(), low, low)
	return low.(VecVirtual)
}
