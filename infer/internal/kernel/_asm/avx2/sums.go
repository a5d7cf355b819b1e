// SPDX-License-Identifier: Apache-2.0

package avx2

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// sums generates the sums of any number of terms, what requantizes and compares them, and the comparison of accumulators.
func sums() {
	add("Wide", "int32", 4)
	add("Codes", "uint8", 1)
	requantize("Codes", "uint8", 1)
	requantize("Wide", "int32", 4)
	compareSums()
	comparePlanes()
}

// A walk goes over blocks of 8 channels, and in each over rows. Pointers move with the block by their step, in bytes, and
// with the row by a stride.
type walk []pointer

type pointer struct {
	name, stride string // parameters
	step         int
	at           GPVirtual
}

// run generates the walk: begin once a block, row once a row.
func (w walk) run(begin, row func()) {
	blocks, channel, rows := GP64(), GP64(), GP64()
	Load(Param("blocks"), blocks)
	XORQ(channel, channel)
	for i := range w {
		w[i].at = GP64()
	}
	Label("block")
	for _, p := range w {
		offset := GP64()
		IMUL3Q(U32(uint32(p.step)), channel, offset)
		Load(Param(p.name), p.at)
		ADDQ(offset, p.at)
	}
	begin()
	Load(Param("rows"), rows)
	Label("row")
	row()
	for _, p := range w {
		if p.stride != "" {
			ADDQ(Load(Param(p.stride), GP64()), p.at)
		}
	}
	DECQ(rows)
	JNZ(LabelRef("row"))
	INCQ(channel)
	DECQ(blocks)
	JNZ(LabelRef("block"))
	VZEROUPPER()
	RET()
}

// load loads 8 numbers of 64 bits.
func load(at Register, disp int) [2]VecVirtual {
	y := [2]VecVirtual{YMM(), YMM()}
	for i := range y {
		VMOVDQU(Mem{Base: at, Disp: disp + 32*i}, y[i])
	}
	return y
}

// add generates the sum with one more term, of numbers of the given size.
func add(kind, number string, size int) {
	TEXT("sum"+kind, NOSPLIT, "func(sums *int64, sumStride int, from *int64, fromStride int, x *"+number+", xStride, rows, blocks int, m *int64)")
	Doc(fmt.Sprintf("sum%s is, for rows of 8·blocks channels, strides in bytes,", kind), "",
		"\tsums[r][c] = from[r][c] + x[r][c]·m[c]")
	Pragma("noescape")
	w := walk{
		{name: "sums", stride: "sumStride", step: 64}, {name: "from", stride: "fromStride", step: 64},
		{name: "x", stride: "xStride", step: 8 * size}, {name: "m", step: 64},
	}
	carry := YMM() // half of 2^32
	VPCMPEQQ(carry, carry, carry)
	VPSRLQ(Imm(63), carry, carry)
	VPSLLQ(Imm(31), carry, carry)
	var low, high [2]VecVirtual // m = low + high·2^32, both signed
	w.run(
		func() {
			low = load(w[3].at, 0)
			for i := range high {
				high[i] = YMM()
				VPADDQ(carry, low[i], high[i])
				VPSRLQ(Imm(32), high[i], high[i])
			}
		},
		func() {
			for i := range 2 {
				x, upper := YMM(), YMM()
				if size == 4 {
					VPMOVSXDQ(Mem{Base: w[2].at, Disp: 16 * i}, x)
				} else {
					VPMOVZXBQ(Mem{Base: w[2].at, Disp: 4 * i}, x)
				}
				VPMULDQ(high[i], x, upper)
				VPMULDQ(low[i], x, x)
				VPSLLQ(Imm(32), upper, upper)
				VPADDQ(upper, x, x)
				VPADDQ(Mem{Base: w[1].at, Disp: 32 * i}, x, x)
				VMOVDQU(x, Mem{Base: w[0].at, Disp: 32 * i})
			}
		})
}

// narrow returns 8 numbers of 64 bits, which fit 32, as numbers of 32.
func narrow(x [2]VecVirtual) VecVirtual {
	y := YMM()
	for _, x := range x {
		VPSHUFD(Imm(0xd8), x, x)
	}
	VPUNPCKLQDQ(x[1], x[0], y)
	VPERMQ(Imm(0xd8), y, y)
	return y
}

// codes returns 8 numbers of 32 bits as bytes in the low half of a register: all ones where words and bytes are signed.
func codes(x VecVirtual, signed bool) VecVirtual {
	low, high := x.AsX(), XMM()
	VEXTRACTI128(Imm(1), x, high)
	if signed {
		VPACKSSDW(high, low, low)
		VPACKSSWB(low, low, low)
	} else {
		VPACKUSDW(high, low, low)
		VPACKUSWB(low, low, low)
	}
	return low.(VecVirtual)
}

// requantize generates the requantization of sums to numbers of the given size.
func requantize(kind, number string, size int) {
	TEXT("requantize"+kind, NOSPLIT, "func(dst *"+number+", dstStride int, sums *int64, sumStride, rows, blocks int, table *int64, zero, least, most int)")
	Doc(fmt.Sprintf("requantize%s is, for rows of 8·blocks channels, strides in bytes,", kind), "",
		"\tdst[r][c] = clamp(zero + RNE(sums[r][c] · 2^-shift[c]), least, most)", "",
		"The shifts are at least 1; table is, for each block, those and then 2^(shift-1) - 1.")
	Pragma("noescape")
	w := walk{{name: "dst", stride: "dstStride", step: 8 * size}, {name: "sums", stride: "sumStride", step: 64}, {name: "table", step: 128}}
	zero, least, most, one, nought := YMM(), YMM(), YMM(), YMM(), YMM()
	for _, p := range []struct {
		name string
		to   VecVirtual
	}{{"zero", zero}, {"least", least}, {"most", most}} {
		low := p.to.AsX()
		VMOVQ(Load(Param(p.name), GP64()), low)
		VPBROADCASTQ(low, p.to)
	}
	fillOnes(one)
	VPXOR(nought, nought, nought)
	var shift, half [2]VecVirtual
	w.run(
		func() { shift, half = load(w[2].at, 0), load(w[2].at, 64) },
		func() {
			x := load(w[1].at, 0)
			for i, x := range x {
				roundHalf(x, shift[i], half[i], one)
				negative, beyond := YMM(), YMM()
				VPCMPGTQ(x, nought, negative) // an arithmetic shift, by what is not negative
				VPXOR(negative, x, x)
				VPSRLVQ(shift[i], x, x)
				VPXOR(negative, x, x)
				VPADDQ(zero, x, x)
				VPCMPGTQ(x, least, beyond)
				VPBLENDVB(beyond, least, x, x)
				VPCMPGTQ(most, x, beyond)
				VPBLENDVB(beyond, most, x, x)
			}
			numbers := narrow(x)
			if size == 1 {
				VMOVQ(codes(numbers, false), Mem{Base: w[0].at})
			} else {
				VMOVDQU(numbers, Mem{Base: w[0].at})
			}
		})
}

// signs generates a loop over planes, and stores the codes of 8 channels with a bit of each plane that outside, all ones
// or zeros for each channel, does not leave out.
func signs(dst GPVirtual, planes Register, outside func() VecVirtual) {
	code, bit := XMM(), XMM()
	VPXOR(code, code, code)
	VPCMPEQB(bit, bit, bit)
	VPABSB(bit, bit)
	Label("plane")
	set := codes(outside(), true)
	VPANDN(bit, set, set)
	VPOR(set, code, code)
	VPADDB(bit, bit, bit)
	DECQ(planes)
	JNZ(LabelRef("plane"))
	VMOVQ(code, Mem{Base: dst})
}

// compareSums generates the comparison of sums with thresholds.
func compareSums() {
	TEXT("compareSums", NOSPLIT, "func(dst *uint8, dstStride int, sums *int64, sumStride, rows, blocks int, levels *int64, planes int)")
	Doc("compareSums sets bit p of the code of each of 8·blocks channels, and no other, where the sum is at least level p.",
		"Strides are in bytes; levels are [block][plane][8].")
	Pragma("noescape")
	compare(walk{{name: "dst", stride: "dstStride", step: 8}, {name: "sums", stride: "sumStride", step: 64}}, "levels", func(w walk, level GPVirtual) func() VecVirtual {
		x := load(w[1].at, 0)
		return func() VecVirtual {
			below := load(level, 0)
			for i := range below {
				VPCMPGTQ(x[i], below[i], below[i])
			}
			return narrow(below)
		}
	})
}

// comparePlanes generates the comparison of accumulators with intervals.
func comparePlanes() {
	TEXT("comparePlanes", NOSPLIT, "func(dst *uint8, dstStride int, acc *int32, accStride, rows, blocks int, intervals *int32, planes int)")
	Doc("comparePlanes sets bit p of the code of each of 8·blocks channels, and no other, where its accumulator is in",
		"interval p. Strides are in bytes; intervals are [block][plane][first, last][8].")
	Pragma("noescape")
	compare(walk{{name: "dst", stride: "dstStride", step: 8}, {name: "acc", stride: "accStride", step: 32}}, "intervals", func(w walk, interval GPVirtual) func() VecVirtual {
		x := YMM()
		VMOVDQU(Mem{Base: w[1].at}, x)
		return func() VecVirtual {
			below, above := YMM(), YMM()
			VMOVDQU(Mem{Base: interval}, below)
			VPCMPGTD(x, below, below)
			VPCMPGTD(Mem{Base: interval, Disp: 32}, x, above)
			VPOR(above, below, below)
			return below
		}
	})
}

// compare generates a comparison with a table of 64 bytes for each plane of a block; row loads a row and returns what is
// outside of the plane at a place of the table.
func compare(w walk, table string, row func(w walk, plane GPVirtual) func() VecVirtual) {
	block, step, planes := GP64(), GP64(), GP64()
	Load(Param(table), block)
	Load(Param("planes"), step)
	SHLQ(Imm(6), step)
	SUBQ(step, block)
	w.run(
		func() { ADDQ(step, block) },
		func() {
			plane := GP64()
			MOVQ(block, plane)
			Load(Param("planes"), planes)
			outside := row(w, plane)
			signs(w[0].at, planes, func() VecVirtual {
				o := outside()
				ADDQ(Imm(64), plane)
				return o
			})
		})
}
