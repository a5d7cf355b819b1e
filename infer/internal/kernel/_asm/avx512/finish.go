// SPDX-License-Identifier: Apache-2.0

package avx512

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// finish generates the requantization of tensors.
func finish() {
	order := transposition()
	for _, t := range []terms{
		{"Wide", "a *int32, aStride int", []int{4}, false, 0},
		{"WideTies", "a *int32, aStride int", []int{4}, true, 0},
		{"WidePowers", "a *int32, aStride int, powers *int64", []int{4}, true, 1},
		{"WideCodes", "a *int32, aStride int, b *uint8, bStride int, powers *int64", []int{4, 1}, true, 1},
		{"WideWide", "a *int32, aStride int, b *int32, bStride int, powers *int64", []int{4, 4}, true, 2},
		{"CodesCodes", "a *uint8, aStride int, b *uint8, bStride int", []int{1, 1}, true, 0},
	} {
		t.finish(order)
	}
}

// A terms is a sum of terms with numbers of 4 or 1 bytes. With ties, halves go to the even neighbour; without, the
// constant has seen to it.
type terms struct {
	name, parameters string
	sizes            []int
	ties             bool
	powers           int // of int32 terms, which are no part of the table, for ends of products read that, too
}

// A term is one operand of the sum: where it is, and its multipliers in registers, for even and for odd channels.
type term struct {
	at        GPVirtual
	stride    GPVirtual
	size      int
	even, odd VecVirtual
	power     VecVirtual // of codes, and of one of two terms: the power of two that is left out of the multiplier
}

// A constants is those of 16 channels.
type constants struct {
	constant, below, unit [2]VecVirtual // of even and of odd channels
	shift                 VecVirtual
	terms                 []*term
}

// begin begins the function.
func (t terms) begin() {
	name := "finish" + t.name
	TEXT(name, NOSPLIT, "func(dst *uint8, dstStride, rows, blocks int, "+t.parameters+", table *int64, zero, least, most int)")
	sum := "a·M"
	if len(t.sizes) == 2 {
		sum = "a·M₀ + b·M₁"
	}
	Doc(name+" is, for rows of 16·blocks channels, strides in bytes, with table by finisher,", "",
		"\tdst = clamp(zero + RNE(("+sum+" + constant) · 2^-shift), least, most)")
	Pragma("noescape")
}

func (t terms) finish(order Mem) {
	t.begin()
	lanes := evenLanes()
	limits, index := newLimits(zmm), ZMM()
	VMOVDQU32(order, index)

	table, blocks := Load(Param("table"), GP64()), GP64()
	var powers Register
	if t.powers > 0 {
		powers = Load(Param("powers"), GP64())
	}
	channel := GP64()
	XORQ(channel, channel)
	Load(Param("blocks"), blocks)
	var b constants
	for i, size := range t.sizes {
		term := &term{at: GP64(), stride: GP64(), size: size, even: ZMM(), odd: ZMM()}
		Load(Param(string("ab"[i])+"Stride"), term.stride)
		b.terms = append(b.terms, term)
	}
	dst, dstStride, rows := GP64(), Load(Param("dstStride"), GP64()), GP64()

	Label("block")
	t.load(&b, table, powers)
	for i, t := range b.terms {
		Load(Param(string("ab"[i])), t.at)
		LEAQ(Mem{Base: t.at, Index: channel, Scale: uint8(t.size)}, t.at)
	}
	Load(Param("dst"), dst)
	ADDQ(channel, dst)
	Load(Param("rows"), rows)
	SUBQ(Imm(4), rows)
	JLT(LabelRef("few"))
	Label("rows")
	t.four(&b, lanes, limits, index, dst, dstStride)
	SUBQ(Imm(4), rows)
	JGE(LabelRef("rows"))
	Label("few")
	ADDQ(Imm(4), rows)
	JZ(LabelRef("next"))
	Label("row")
	t.one(&b, lanes, limits, index, dst, dstStride)
	DECQ(rows)
	JNZ(LabelRef("row"))

	Label("next")
	ADDQ(Imm(16), channel)
	DECQ(blocks)
	JNZ(LabelRef("block"))
	VZEROUPPER()
	RET()
}

// four writes the codes of four rows.
func (t terms) four(b *constants, lanes Register, limits limits, index VecVirtual, dst, dstStride Register) {
	var words [2]VecVirtual
	for r := range 4 {
		sum := t.row(b, lanes)
		if r%2 == 0 {
			words[r/2] = sum
		} else {
			narrow(words[r/2], sum, limits.zero)
		}
	}
	codes := words[0]
	limits.clamp(codes, words[1])
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
}

// one writes the codes of a row.
func (t terms) one(b *constants, lanes Register, limits limits, index VecVirtual, dst, dstStride Register) {
	one := t.row(b, lanes)
	narrow(one, one, limits.zero)
	limits.clamp(one, one)
	VPERMD(one, index, one)
	low := one.AsX()
	VMOVDQU32(low, Mem{Base: dst})
	ADDQ(dstStride, dst)
}

// load loads the constants of the next 16 channels.
func (t terms) load(b *constants, table, powers Register) {
	at := 0
	next := func() VecVirtual {
		z := ZMM()
		VMOVDQU64(Mem{Base: table, Disp: at}, z)
		at += 64
		return z
	}
	b.constant = [2]VecVirtual{next(), next()}
	b.shift = next()
	if t.ties {
		b.below = [2]VecVirtual{next(), next()}
		b.unit = [2]VecVirtual{next(), next()}
	}
	for _, t := range b.terms {
		t.even = next()
		t.odd = odd(t.even, ZMM())
		if t.size == 1 {
			t.power = next()
		}
	}
	ADDQ(U32(uint32(at)), table)
	for i := range t.powers {
		b.terms[i].power = ZMM()
		VMOVDQU32(Mem{Base: powers, Disp: 64 * i}, b.terms[i].power)
	}
	if t.powers > 0 {
		ADDQ(U32(uint32(64*t.powers)), powers)
	}
}

// row returns the 16 rounded numbers of the next row, as dwords.
func (t terms) row(b *constants, lanes Register) VecVirtual {
	var sums [2]VecVirtual
	for i, x := range b.terms {
		var values Op = Mem{Base: x.at}
		if x.size == 1 || t.powers > 0 {
			powered := ZMM()
			if x.size == 1 {
				VPMOVZXBD(values, powered)
			} else {
				VMOVDQU32(values, powered)
			}
			VPSLLVD(x.power, powered, powered)
			values = powered
		}
		high := odd(values, ZMM())
		for parity, operands := range [2][2]Op{{values, x.even}, {high, x.odd}} {
			product := ZMM()
			if i == 0 {
				scale(operands[0], operands[1], b.constant[parity], product)
				sums[parity] = product
			} else {
				VPMULDQ(operands[0], operands[1], product)
				VPADDQ(product, sums[parity], sums[parity])
			}
		}
		ADDQ(x.stride, x.at)
	}
	if t.ties {
		for parity, sum := range sums {
			untie(sum, b.below[parity], b.unit[parity], K())
		}
	}
	round(sums[0], sums[1], lanes, b.shift, sums[1])
	return sums[1]
}

func zmm() VecVirtual { return ZMM() }
