// SPDX-License-Identifier: Apache-2.0

package neon

import . "github.com/goqat/goqat/infer/internal/kernel/_asm/arm64"

// A terms is the kinds of numbers that a requantization sums: whether they are codes or int32.
type terms struct {
	name, parameters, sum string
	codes                 []bool
}

// finish generates the requantization of one or two terms.
func finish(f *File) {
	const two = "a·M₀ + b·M₁"
	for _, t := range []terms{
		{"Wide", "a *int32, aStride int", "a·M", []bool{false}},
		{"WideCodes", "a *int32, aStride int, b *uint8, bStride int", two, []bool{false, true}},
		{"WideWide", "a *int32, aStride int, b *int32, bStride int", two, []bool{false, false}},
		{"CodesCodes", "a *uint8, aStride int, b *uint8, bStride int", two, []bool{true, true}},
	} {
		t.finish(f)
	}
}

// The registers of a block of eight channels.
const (
	sums, values, multipliers, powers, shifts, even = V(0), V(4), V(6), V(16), V(18), V(24)

	zero, most, ones = V(29), V(30), V(31)
)

func (t terms) finish(f *File) {
	f.Func("finish"+t.name, "dst *uint8, dstStride int, rows int, blocks int, "+t.parameters+", table *int64, most int",
		"finish"+t.name+" is, for rows of 8·blocks channels, strides in bytes, with table by addBlock,", "",
		"\tdst = clamp(zero + RNE(("+t.sum+" + constant) · 2^-shift), 0, most)")
	dst, rows, channel, table, left := f.Param("dst"), f.Param("rows"), f.GP(), f.GP(), f.GP()
	var from, at []R
	for i := range t.codes {
		from, at = append(from, f.Param("ab"[i:i+1])), append(at, f.GP())
	}
	f.Load("most", left)
	f.Op("VDUP %v, %v.B8", left, most)
	f.Op("MOVD $1, %v", left)
	f.Op("VDUP %v, %v.D2", left, ones)

	f.Label("row")
	f.Op("MOVD %v, %v", dst, channel)
	for i := range t.codes {
		f.Op("MOVD %v, %v", from[i], at[i])
	}
	f.Load("table", table)
	f.Load("blocks", left)
	f.Label("block")
	t.products(f, table, at)
	requantize(f)
	f.Op("VST1.P %s, 8(%v)", Vs(sums, 1, "B8"), channel)
	f.Op("SUBS $1, %v, %v", left, left)
	f.Op("BNE block")

	advance := func(stride string, r R) {
		f.Load(stride, left)
		f.Op("ADD %v, %v", left, r)
	}
	for i, r := range from {
		advance("ab"[i:i+1]+"Stride", r)
	}
	advance("dstStride", dst)
	f.Op("SUBS $1, %v, %v", rows, rows)
	f.Op("BNE row")
	f.Op("RET")
}

// products sums the products of a block and the constant.
func (t terms) products(f *File, table R, at []R) {
	f.Op("VLD1.P 64(%v), %s", table, Vs(sums, 4, "D2"))
	f.Op("VLD1.P 64(%v), %s", table, Vs(shifts, 4, "D2"))
	f.Op("VLD1.P 16(%v), %s", table, Vs(zero, 1, "H8"))
	for i, codes := range t.codes {
		f.Op("VLD1.P 32(%v), %s", table, Vs(multipliers, 2, "S4"))
		if codes {
			f.Op("VLD1.P 8(%v), %s", at[i], Vs(values, 1, "B8"))
			f.Op("VUXTL %v.B8, %v.H8", values, values)
			f.Op("VUXTL2 %v.H8, %v.S4", values, values+1)
			f.Op("VUXTL %v.H4, %v.S4", values, values)
			f.Op("VLD1.P 32(%v), %s", table, Vs(powers, 2, "S4"))
			f.USHL(values, values, powers, 2)
			f.USHL(values+1, values+1, powers+1, 2)
		} else {
			f.Op("VLD1.P 32(%v), %s", at[i], Vs(values, 2, "S4"))
		}
		for k := range V(4) {
			f.SMLAL(sums+k, values+k/2, multipliers+k/2, 2, k%2 == 1)
		}
	}
}

// requantize makes codes of the sums, in the first of their registers.
func requantize(f *File) {
	// RNE(x·2^-s) = (x + 2^(s-1) - 1 + odd) >> s, where odd is the last bit of x >> s; SRSHL adds 2^(s-1).
	for k := range V(4) {
		f.SSHL(even+k, sums+k, shifts+k, 3)
	}
	for k := range V(4) {
		f.BIC(even+k, ones, even+k)
	}
	for k := range V(4) {
		f.Op("VSUB %v.D2, %v.D2, %v.D2", even+k, sums+k, sums+k)
	}
	for k := range V(4) {
		f.SRSHL(sums+k, sums+k, shifts+k, 3)
	}
	for k := range V(2) {
		f.SQXTN(sums+k, sums+2*k, 2, false)
		f.SQXTN(sums+k, sums+2*k+1, 2, true)
	}
	f.SQXTN(sums, sums, 1, false)
	f.SQXTN(sums, sums+1, 1, true)
	f.SQADD(sums, sums, zero, 1)
	f.SQXTUN(sums, sums, 0, false)
	f.Op("VUMIN %v.B8, %v.B8, %v.B8", most, sums, sums)
}
