// SPDX-License-Identifier: Apache-2.0

package avx512

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// sums generates the sums of any number of terms, what requantizes and compares them, and the comparison of accumulators
// and codes.
func sums() {
	add("Wide", "int32", 4)
	add("Codes", "uint8", 1)
	requantize("Codes", "uint8", 1)
	requantize("Wide", "int32", 4)
	compareSums()
	for _, n := range []numbers{accumulators, codes} {
		n.compareRows()
		n.comparePlanes()
	}
	compareBlocks()
}

// compareBlocks generates the comparison of codes that follow each other, 64 at a time.
func compareBlocks() {
	TEXT("compareCodes64", NOSPLIT, "func(dst, x *uint8, blocks int, intervals *uint8)")
	Doc("compareCodes64 makes each of 64·blocks codes 1 where x is in its interval, and 0 elsewhere: intervals are [first, last][64], those of",
		"every block.")
	Pragma("noescape")
	first, last, one, codes := ZMM(), ZMM(), ZMM(), ZMM()
	value, set := GP32(), K()
	MOVL(U32(1), value)
	VPBROADCASTB(value, one)
	intervals := Load(Param("intervals"), GP64())
	VMOVDQU8(Mem{Base: intervals}, first)
	VMOVDQU8(Mem{Base: intervals, Disp: 64}, last)
	dst, x, blocks := Load(Param("dst"), GP64()), Load(Param("x"), GP64()), Load(Param("blocks"), GP64())
	Label("block")
	VMOVDQU8(Mem{Base: x}, codes)
	VPCMPUB(Imm(5), first, codes, set) // codes >= first
	VPCMPUB(Imm(2), last, codes, set, set)
	VMOVDQU8_Z(one, set, codes)
	VMOVDQU8(codes, Mem{Base: dst})
	ADDQ(Imm(64), x)
	ADDQ(Imm(64), dst)
	DECQ(blocks)
	JNZ(LabelRef("block"))
	VZEROUPPER()
	RET()
}

// A walk goes over blocks of 16 channels, and in each over rows. Pointers move with the block by their step, in bytes,
// and with the row by a stride.
type walk struct {
	pointers []pointer
	inside   Register // of the block's channels, those that are there
}

type pointer struct {
	name, stride string // parameters
	step         int
	at, by       GPVirtual
}

// run generates the walk: begin once a block, row once a row.
func (w *walk) run(begin, row func()) {
	left, rows := GP64(), GP64()
	Load(Param("channels"), left)
	blocks := make([]GPVirtual, len(w.pointers))
	for i := range w.pointers {
		p := &w.pointers[i]
		blocks[i], p.at = GP64(), GP64()
		Load(Param(p.name), blocks[i])
		if p.stride != "" {
			p.by = GP64()
			Load(Param(p.stride), p.by)
		}
	}
	inside, n, all, mask := K(), GP64(), GP32(), GP32()
	w.inside = inside
	Label("block")
	MOVQ(U32(16), n)
	CMPQ(left, n)
	CMOVQLT(left, n)
	MOVL(U32(0xffff), all)
	BZHIL(n.As32(), all, mask)
	KMOVW(mask, inside)
	for i, p := range w.pointers {
		MOVQ(blocks[i], p.at)
	}
	begin()
	Load(Param("rows"), rows)
	Label("row")
	row()
	for _, p := range w.pointers {
		if p.stride != "" {
			ADDQ(p.by, p.at)
		}
	}
	DECQ(rows)
	JNZ(LabelRef("row"))
	for i, p := range w.pointers {
		ADDQ(U32(uint32(p.step)), blocks[i])
	}
	SUBQ(Imm(16), left)
	JGT(LabelRef("block"))
	VZEROUPPER()
	RET()
}

// load loads 16 numbers of 64 bits.
func load(at Register, disp int) [2]VecVirtual {
	z := [2]VecVirtual{ZMM(), ZMM()}
	for i := range z {
		VMOVDQU64(Mem{Base: at, Disp: disp + 64*i}, z[i])
	}
	return z
}

// high returns the mask of the upper eight of 16 lanes.
func high(mask Register) Register {
	k := K()
	KSHIFTRW(Imm(8), mask, k)
	return k
}

// add generates the sum with one more term, of numbers of the given size.
func add(kind, number string, size int) {
	TEXT("sum"+kind, NOSPLIT, "func(sums *int64, sumStride int, from *int64, fromStride int, x *"+number+", xStride, rows, channels int, m *int64)")
	Doc(fmt.Sprintf("sum%s is, for rows of channels, strides in bytes, with m, sums and from in blocks of 16 channels,", kind), "",
		"\tsums[r][c] = from[r][c] + x[r][c]·m[c]")
	Pragma("noescape")
	w := &walk{pointers: []pointer{
		{name: "sums", stride: "sumStride", step: 128}, {name: "from", stride: "fromStride", step: 128},
		{name: "x", stride: "xStride", step: 16 * size}, {name: "m", step: 128},
	}}
	var m [2]VecVirtual
	w.run(
		func() { m = load(w.pointers[3].at, 0) },
		func() {
			sums, from, x := w.pointers[0].at, w.pointers[1].at, w.pointers[2].at
			numbers := ZMM()
			if size == 4 {
				VMOVDQU32_Z(Mem{Base: x}, w.inside, numbers)
			} else {
				codes := XMM()
				VMOVDQU8_Z(Mem{Base: x}, w.inside, codes)
				VPMOVZXBD(codes, numbers)
			}
			halves := [2]VecVirtual{numbers, ZMM()}
			VEXTRACTI64X4(Imm(1), numbers, halves[1].AsY())
			for i, half := range halves {
				product := ZMM()
				VPMOVSXDQ(half.AsY(), product)
				VPMULLQ(m[i], product, product)
				VPADDQ(Mem{Base: from, Disp: 64 * i}, product, product)
				VMOVDQU64(product, Mem{Base: sums, Disp: 64 * i})
			}
		})
}

// requantize generates the requantization of sums to numbers of the given size.
func requantize(kind, number string, size int) {
	TEXT("requantize"+kind, NOSPLIT, "func(dst *"+number+", dstStride int, sums *int64, sumStride, rows, channels int, table *int64, zero, least, most int)")
	Doc(fmt.Sprintf("requantize%s is, for rows of channels, strides in bytes, with sums in blocks of 16 channels,", kind), "",
		"\tdst[r][c] = clamp(zero + RNE(sums[r][c] · 2^-shift[c]), least, most)", "",
		"The shifts are at least 1; table is, for each block, those and then 2^(shift-1) - 1.")
	Pragma("noescape")
	w := &walk{pointers: []pointer{{name: "dst", stride: "dstStride", step: 16 * size}, {name: "sums", stride: "sumStride", step: 128}, {name: "table", step: 256}}}
	zero, least, most, one := ZMM(), ZMM(), ZMM(), ZMM()
	VPBROADCASTQ(Load(Param("zero"), GP64()), zero)
	VPBROADCASTQ(Load(Param("least"), GP64()), least)
	VPBROADCASTQ(Load(Param("most"), GP64()), most)
	VPTERNLOGQ(Imm(0xff), one, one, one)
	VPSRLQ(Imm(63), one, one)
	var shift, half [2]VecVirtual
	w.run(
		func() { shift, half = load(w.pointers[2].at, 0), load(w.pointers[2].at, 128) },
		func() {
			dst, sums := w.pointers[0].at, w.pointers[1].at
			x := load(sums, 0)
			for i, x := range x {
				roundWide(x, shift[i], half[i], one)
				VPADDQ(zero, x, x)
				VPMAXSQ(least, x, x)
				VPMINSQ(most, x, x)
			}
			if size == 1 {
				low, up := XMM(), XMM()
				VPMOVQB(x[0], low)
				VPMOVQB(x[1], up)
				VPUNPCKLQDQ(up, low, low)
				VMOVDQU8(low, w.inside, Mem{Base: dst})
				return
			}
			for i, x := range x {
				numbers := YMM()
				VPMOVQD(x, numbers)
				mask := w.inside
				if i == 1 {
					mask = high(mask)
				}
				VMOVDQU32(numbers, mask, Mem{Base: dst, Disp: 32 * i})
			}
		})
}

// compareSums generates the comparison of sums with thresholds.
func compareSums() {
	TEXT("compareSums", NOSPLIT, "func(dst *uint8, dstStride int, sums *int64, sumStride, rows, channels int, levels *int64, planes int)")
	Doc("compareSums sets bit p of the code of each channel, and no other, where the sum is at least level p. Strides are in",
		"bytes; sums are in blocks of 16 channels, levels [block][plane][16].")
	Pragma("noescape")
	w := &walk{pointers: []pointer{{name: "dst", stride: "dstStride", step: 16}, {name: "sums", stride: "sumStride", step: 128}}}
	levels, step, planes, first := GP64(), GP64(), GP64(), XMM()
	Load(Param("levels"), levels)
	Load(Param("planes"), step)
	SHLQ(Imm(7), step) // bytes of a block
	SUBQ(step, levels)
	ones(first)
	w.run(
		func() { ADDQ(step, levels) },
		func() {
			x, level := load(w.pointers[1].at, 0), GP64()
			MOVQ(levels, level)
			Load(Param("planes"), planes)
			code := planeCodes(first, planes, func(set Register) {
				low, up := K(), K()
				VPCMPQ(Imm(5), Mem{Base: level}, x[0], low) // x >= level
				VPCMPQ(Imm(5), Mem{Base: level, Disp: 64}, x[1], up)
				KUNPCKBW(low, up, set)
				ADDQ(U32(128), level)
			})
			VMOVDQU8(code, w.inside, Mem{Base: w.pointers[0].at})
		})
}

// ones fills a register with the bytes 1.
func ones(to VecVirtual) {
	one := GP32()
	MOVL(U32(1), one)
	VPBROADCASTB(one, to)
}

// planeCodes generates a loop over planes, and returns the codes of 16 channels with a bit of those that compare sets in each.
func planeCodes(first VecVirtual, planes Register, compare func(set Register)) VecVirtual {
	code, bit := XMM(), XMM()
	VPXORD(code, code, code)
	VMOVDQA32(first, bit)
	Label("plane")
	set, sign := K(), XMM()
	compare(set)
	VMOVDQU8_Z(bit, set, sign)
	VPORD(sign, code, code)
	VPADDB(bit, bit, bit)
	DECQ(planes)
	JNZ(LabelRef("plane"))
	return code
}

// A numbers is what is compared with intervals: accumulators, or codes.
type numbers struct {
	name, kind string
	size       int
	register   func() VecVirtual // of 16
	load       func(from, inside, to Op)
	compare    func(operands ...Op)
}

var (
	accumulators = numbers{"", "int32", 4, ZMM, VMOVDQU32_Z, VPCMPD}
	codes        = numbers{"Codes", "uint8", 1, XMM, VMOVDQU8_Z, VPCMPUB}
)

// begin begins a function with more parameters and walks over its rows.
func (n numbers) begin(name, doc, table, parameters string) *walk {
	name += n.name
	TEXT(name, NOSPLIT, fmt.Sprintf("func(dst *uint8, dstStride int, x *%s, xStride, rows, channels int, intervals *%s%s)", n.kind, n.kind, parameters))
	Doc(name+doc, "in bytes; intervals are [block of 16 channels]"+table+"[first, last][16].")
	Pragma("noescape")
	return &walk{pointers: []pointer{{name: "dst", stride: "dstStride", step: 16}, {name: "x", stride: "xStride", step: 16 * n.size}}}
}

// compareRows generates the comparison with an interval.
func (n numbers) compareRows() {
	w := n.begin("compareRows", " makes the code of each channel 1 where x is in the interval, and 0 elsewhere. Strides are", "", "")
	w.pointers = append(w.pointers, pointer{name: "intervals", step: 32 * n.size})
	first, last, one := n.register(), n.register(), XMM()
	ones(one)
	w.run(
		func() {
			all := K()
			KXNORW(all, all, all)
			n.load(Mem{Base: w.pointers[2].at}, all, first)
			n.load(Mem{Base: w.pointers[2].at, Disp: 16 * n.size}, all, last)
		},
		func() {
			x, least, set, code := n.register(), K(), K(), XMM()
			n.load(Mem{Base: w.pointers[1].at}, w.inside, x)
			n.compare(Imm(5), first, x, least)     // x >= first
			n.compare(Imm(2), last, x, least, set) // x <= last
			VMOVDQU8_Z(one, set, code)
			VMOVDQU8(code, w.inside, Mem{Base: w.pointers[0].at})
		})
}

// comparePlanes generates the comparison with several intervals.
func (n numbers) comparePlanes() {
	w := n.begin("comparePlanes", " sets bit p of the code of each channel, and no other, where x is in interval p. Strides are", "[plane]", ", planes int")
	intervals, step, planes, first := GP64(), GP64(), GP64(), XMM()
	Load(Param("intervals"), intervals)
	Load(Param("planes"), step)
	IMUL3Q(U32(uint32(32*n.size)), step, step) // bytes of a block
	SUBQ(step, intervals)
	ones(first)
	w.run(
		func() { ADDQ(step, intervals) },
		func() {
			x, interval := n.register(), GP64()
			n.load(Mem{Base: w.pointers[1].at}, w.inside, x)
			MOVQ(intervals, interval)
			Load(Param("planes"), planes)
			code := planeCodes(first, planes, func(set Register) {
				least := K()
				n.compare(Imm(5), Mem{Base: interval}, x, least)                         // x >= first
				n.compare(Imm(2), Mem{Base: interval, Disp: 16 * n.size}, x, least, set) // x <= last
				ADDQ(U32(uint32(32*n.size)), interval)
			})
			VMOVDQU8(code, w.inside, Mem{Base: w.pointers[0].at})
		})
}
