// SPDX-License-Identifier: Apache-2.0

// Package avx512 generates the kernels of processors with AVX-512 and VNNI.
package avx512

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// Files are the generators of the package's files.
var Files = map[string]func(){
	"depthwise": depthwise, "finish": finish, "interleave": interleave, "pad": pad, "peak": peak, "signs": signs, "sums": sums,
	"dotbytes": forms[0].dot, "dotnibbles": forms[1].dot, "dotpairs": forms[2].dot, "dotbits": forms[3].dot, "dotends": dotEnds,
}

// The rule of what requantizes 32-bit numbers: sums of products and of a constant, which holds half a unit, have 64 bits,
// those of even lanes apart from those of odd ones. The rounded number is the high half of a sum, shifted by what is left
// of the shift.

// evenLanes returns the mask of the even dwords of a register.
func evenLanes() Register {
	mask, bits := K(), GP64()
	MOVQ(U32(0x5555), bits)
	KMOVW(bits.As32(), mask)
	return mask
}

// odd takes the odd dwords of x to the place of the even ones.
func odd[V Register](x Op, to V) V {
	VPSRLQ(Imm(32), x, to)
	return to
}

// scale multiplies the even dwords of a and b and adds a constant of 64 bits.
func scale(a, b, constant Op, to Register) {
	VPMULDQ(a, b, to)
	VPADDQ(constant, to, to)
}

// untie makes sums that are ties, with nothing below the unit, even: an odd one was rounded up and is one unit too great.
func untie(sum Register, below, unit Op, tie Register) {
	VPTESTNMQ(below, sum, tie)
	if m, ok := unit.(Mem); ok {
		z := ZMM()
		VMOVDQU64(m, z)
		unit = z
	}
	VPANDNQ(sum, unit, tie, sum)
}

// round returns in to the rounded numbers of the sums of even and of odd lanes, which it spoils.
func round(even, odd, lanes Register, shift Op, to Register) {
	VPSHUFD(Imm(0xf5), even, lanes, odd) // the high halves of all
	VPSRAVD(shift, odd, to)
}

// A limits is what rounded numbers need to become codes: the zero point as words, the least and the greatest code as bytes.
type limits struct{ zero, least, most Register }

// newLimits loads the parameters of the same names.
func newLimits(register func() VecVirtual) limits {
	zero, least, most := register(), register(), register()
	broadcastWord("zero", zero)
	broadcastByte("least", least)
	broadcastByte("most", most)
	return limits{zero, least, most}
}

func broadcastWord(parameter string, to VecVirtual) {
	low := lowest(parameter, to)
	VPBROADCASTW(low, to)
}

func broadcastByte(parameter string, to VecVirtual) {
	low := lowest(parameter, to)
	VPBROADCASTB(low, to)
}

// lowest loads a parameter to the lowest lane of a register.
func lowest(parameter string, to VecVirtual) Register {
	value, low := Load(Param(parameter), GP64()), to.AsX()
	VMOVQ(value, low)
	return low
}

// narrow makes words of two registers of rounded numbers, in x, and adds the zero point.
func narrow(x, second, zero Register) {
	VPACKSSDW(second, x, x)
	VPADDSW(zero, x, x)
}

// clamp makes codes of two registers of words, in x.
func (l limits) clamp(x, second Register) {
	VPACKUSWB(second, x, x)
	VPMAXUB(l.least, x, x)
	VPMINUB(l.most, x, x)
}

// transposition returns the order of dwords that takes the columns of a 4 × 4 matrix for its rows: packing has put the
// codes of four registers in the same 128 bits.
func transposition() Mem {
	m := GLOBL("transposition", RODATA|NOPTR)
	for i := range 16 {
		DATA(4*i, U32(uint32(i%4*4+i/4)))
	}
	return m
}

// roundWide returns sums of 64 bits, rounded by any shift of at least 1: RNE(x·2^-s) = (x + 2^(s-1) - 1 + odd) >> s, where
// odd is the last bit of x >> s and half is 2^(s-1) - 1.
func roundWide(x VecVirtual, shift, half, one Op) {
	odd := ZMM()
	VPSRLVQ(shift, x, odd)
	VPANDQ(one, odd, odd)
	VPADDQ(half, x, x)
	VPADDQ(odd, x, x)
	VPSRAVQ(shift, x, x)
}
