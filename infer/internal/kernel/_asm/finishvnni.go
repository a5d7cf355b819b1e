// SPDX-License-Identifier: Apache-2.0

// Command finishvnni generates the AVX-512 requantization of the integer runtime.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

func main() {
	ConstraintExpr("!purego")
	order := transposition()
	for _, k := range []kind{
		{"Wide", "a *int32, aStride int", []int{4}, false},
		{"WideTies", "a *int32, aStride int", []int{4}, true},
		{"WideCodes", "a *int32, aStride int, b *uint8, bStride int", []int{4, 1}, true},
		{"WideWide", "a *int32, aStride int, b *int32, bStride int", []int{4, 4}, true},
		{"CodesCodes", "a *uint8, aStride int, b *uint8, bStride int", []int{1, 1}, true},
	} {
		k.generate(order)
	}
	Generate()
}

// transposition is the order of dwords that takes the rows of a 4 × 4 matrix for its columns.
func transposition() Mem {
	m := GLOBL("transposition", RODATA|NOPTR)
	for i := range 16 {
		DATA(4*i, U32(uint32(i%4*4+i/4)))
	}
	return m
}

// A kind is a sum of terms with numbers of 4 or 1 bytes. With ties, halves go to the even neighbour; without, the
// constant has seen to it.
type kind struct {
	name, parameters string
	sizes            []int
	ties             bool
}

// A term is one operand of the sum: where it is, and its multipliers in registers, for even and for odd channels.
type term struct {
	at        GPVirtual
	stride    GPVirtual
	size      int
	even, odd VecVirtual
	power     VecVirtual // of codes: the power of two that is left out of the multiplier
}

// A block is the constants of 16 channels.
type block struct {
	constant, below, unit [2]VecVirtual // of even and of odd channels
	shift                 VecVirtual
	terms                 []*term
}

func (k kind) generate(order Mem) {
	name := "finishVNNI" + k.name
	TEXT(name, NOSPLIT, "func(dst *uint8, dstStride, rows, blocks int, "+k.parameters+", table *int64, zero, least, most int)")
	sum := "a·M"
	if len(k.sizes) == 2 {
		sum = "a·M₀ + b·M₁"
	}
	Doc(name+" is, for rows of 16·blocks channels, strides in bytes, with table by vnniFinish,", "",
		"\tdst = clamp(zero + RNE(("+sum+" + constant) · 2^-shift), least, most)")
	Pragma("noescape")

	odd := K()
	bits := GP64()
	MOVQ(U32(0x5555), bits)
	KMOVW(bits.As32(), odd)
	zero, least, most, index := ZMM(), ZMM(), ZMM(), ZMM()
	for _, p := range []struct {
		name      string
		to        VecVirtual
		broadcast func(x, z Op)
	}{{"zero", zero, func(x, z Op) { VPBROADCASTW(x, z) }}, {"least", least, func(x, z Op) { VPBROADCASTB(x, z) }}, {"most", most, func(x, z Op) { VPBROADCASTB(x, z) }}} {
		value, low := Load(Param(p.name), GP64()), p.to.AsX()
		VMOVQ(value, low)
		p.broadcast(low, p.to)
	}
	VMOVDQU32(order, index)

	table, blocks := Load(Param("table"), GP64()), GP64()
	channel := GP64()
	XORQ(channel, channel)
	Load(Param("blocks"), blocks)
	var b block
	for i, size := range k.sizes {
		t := &term{at: GP64(), stride: GP64(), size: size, even: ZMM(), odd: ZMM()}
		Load(Param(string("ab"[i])+"Stride"), t.stride)
		b.terms = append(b.terms, t)
	}
	dst, dstStride, rows := GP64(), Load(Param("dstStride"), GP64()), GP64()

	Label("block")
	k.load(&b, table)
	for i, t := range b.terms {
		Load(Param(string("ab"[i])), t.at)
		LEAQ(Mem{Base: t.at, Index: channel, Scale: uint8(t.size)}, t.at)
	}
	Load(Param("dst"), dst)
	ADDQ(channel, dst)
	Load(Param("rows"), rows)
	SUBQ(Imm(4), rows)
	JLT(LabelRef("few"))

	Label("rows") // four at a time
	var words [2]VecVirtual
	for r := range 4 {
		sum := k.row(&b, odd)
		if r%2 == 0 {
			words[r/2] = sum
		} else {
			VPACKSSDW(sum, words[r/2], words[r/2])
			VPADDSW(zero, words[r/2], words[r/2])
		}
	}
	codes := words[0]
	VPACKUSWB(words[1], codes, codes)
	VPMAXUB(least, codes, codes)
	VPMINUB(most, codes, codes)
	VPERMD(codes, index, codes)
	for r := range 4 {
		if r == 0 {
			low := codes.AsX()
			VMOVDQU32(low, Mem{Base: dst})
		} else {
			VEXTRACTI32X4(Imm(uint64(r)), codes, Mem{Base: dst})
		}
		ADDQ(dstStride, dst)
	}
	SUBQ(Imm(4), rows)
	JGE(LabelRef("rows"))
	Label("few")
	ADDQ(Imm(4), rows)
	JZ(LabelRef("next"))

	Label("row")
	one := k.row(&b, odd)
	VPACKSSDW(one, one, one)
	VPADDSW(zero, one, one)
	VPACKUSWB(one, one, one)
	VPMAXUB(least, one, one)
	VPMINUB(most, one, one)
	VPERMD(one, index, one)
	low := one.AsX()
	VMOVDQU32(low, Mem{Base: dst})
	ADDQ(dstStride, dst)
	DECQ(rows)
	JNZ(LabelRef("row"))

	Label("next")
	ADDQ(Imm(16), channel)
	DECQ(blocks)
	JNZ(LabelRef("block"))
	VZEROUPPER()
	RET()
}

// load loads the constants of the next 16 channels.
func (k kind) load(b *block, table Register) {
	at := 0
	next := func() VecVirtual {
		z := ZMM()
		VMOVDQU64(Mem{Base: table, Disp: at}, z)
		at += 64
		return z
	}
	b.constant = [2]VecVirtual{next(), next()}
	b.shift = next()
	if k.ties {
		b.below = [2]VecVirtual{next(), next()}
		b.unit = [2]VecVirtual{next(), next()}
	}
	for _, t := range b.terms {
		t.even = next()
		t.odd = ZMM()
		VPSRLQ(Imm(32), t.even, t.odd)
		if t.size == 1 {
			t.power = next()
		}
	}
	ADDQ(U32(uint32(at)), table)
}

// row returns the 16 rounded numbers of the next row, as dwords.
func (k kind) row(b *block, odd Register) VecVirtual {
	var sums [2]VecVirtual
	for i, t := range b.terms {
		var values Op = Mem{Base: t.at}
		if t.size == 1 {
			codes := ZMM()
			VPMOVZXBD(values, codes)
			VPSLLVD(t.power, codes, codes)
			values = codes
		}
		high := ZMM()
		VPSRLQ(Imm(32), values, high)
		for parity, operands := range [2][2]Op{{values, t.even}, {high, t.odd}} {
			product := ZMM()
			VPMULDQ(operands[0], operands[1], product)
			if i == 0 {
				VPADDQ(b.constant[parity], product, product)
				sums[parity] = product
			} else {
				VPADDQ(product, sums[parity], sums[parity])
			}
		}
		ADDQ(t.stride, t.at)
	}
	if k.ties { // where nothing is below the unit, it was a tie, and an odd number is one too great
		for parity, sum := range sums {
			tie := K()
			VPTESTNMQ(b.below[parity], sum, tie)
			VPANDNQ(sum, b.unit[parity], tie, sum)
		}
	}
	VPSHUFD(Imm(0xf5), sums[0], odd, sums[1]) // the high halves of all
	VPSRAVD(b.shift, sums[1], sums[1])
	return sums[1]
}
