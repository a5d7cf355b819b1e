// SPDX-License-Identifier: Apache-2.0

// Command finish generates the AVX2 requantization of the integer runtime.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

func main() {
	ConstraintExpr("!purego")
	for _, terms := range []string{"Wide", "WideCodes", "WideWide", "CodesCodes"} {
		finish(terms)
	}
	Generate()
}

// Places in a block of the table, in bytes; see avx2Finish.
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

// finish generates the requantization of one or two terms, each of int32 or of codes.
func finish(terms string) {
	parameters, kinds := "a *int32, aStride int", []int{4}
	switch terms {
	case "WideCodes":
		parameters, kinds = "a *int32, aStride int, b *uint8, bStride int", []int{4, 1}
	case "WideWide":
		parameters, kinds = "a *int32, aStride int, b *int32, bStride int", []int{4, 4}
	case "CodesCodes":
		parameters, kinds = "a *uint8, aStride int, b *uint8, bStride int", []int{1, 1}
	}
	TEXT("finish"+terms, NOSPLIT, "func(dst *uint8, dstStride, rows, blocks int, "+parameters+", table *int64, most int)")
	sum := "a·M"
	if len(kinds) == 2 {
		sum = "a·M₀ + b·M₁"
	}
	Doc("finish"+terms+" is, for rows of 8·blocks channels, strides in bytes, with table by avx2Finish,", "",
		"\tdst = clamp(zero + RNE(("+sum+" + constant) · 2^-shift), 0, most)")
	Pragma("noescape")

	dst, rows := Load(Param("dst"), GP64()), Load(Param("rows"), GP64())
	one, limit := YMM(), XMM()
	VPCMPEQQ(one, one, one)
	VPSRLQ(Imm(63), one, one)
	most := Load(Param("most"), GP64())
	VMOVQ(most, limit)
	VPBROADCASTW(limit, limit)
	var operands []term
	for i, size := range kinds {
		name := string("ab"[i])
		operands = append(operands, term{Load(Param(name), GP64()).(GPVirtual), name + "Stride", size})
	}

	Label("row")
	table, blocks, channel := Load(Param("table"), GP64()), Load(Param("blocks"), GP64()), GP64()
	XORQ(channel, channel)
	Label("block")
	// Products of even and of odd channels, and their sums with the constant, biased by 2^62 to be positive.
	var sums [2]VecVirtual
	width := multiplier + 64*len(kinds)
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
	// RNE(x·2^-s) = (x + 2^(s-1) - 1 + odd) >> s, where odd is the last bit of x >> s.
	for parity, x := range sums {
		odd := YMM()
		VPSRLVQ(Mem{Base: table, Disp: shift + 32*parity}, x, odd)
		VPAND(one, odd, odd)
		VPADDQ(Mem{Base: table, Disp: half + 32*parity}, x, x)
		VPADDQ(odd, x, x)
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
	VMOVQ(low, Mem{Base: dst, Index: channel, Scale: 1})
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

func advance(stride string, at Register) {
	s := Load(Param(stride), GP64())
	ADDQ(s, at)
}
