// SPDX-License-Identifier: Apache-2.0

package simd128

import "fmt"

// sums generates the sums of any number of terms, what requantizes and compares them, and the comparison of accumulators.
func sums(m *File) {
	add(m, "Wide", "int32", 4)
	add(m, "Codes", "uint8", 1)
	requantize(m, "Codes", "uint8", 1)
	requantize(m, "Wide", "int32", 4)
	compareSums(m)
	comparePlanes(m)
}

// A pointer is a parameter that goes over rows in each block of 8 channels: by a stride, another parameter, from row to row, and
// by so many bytes from block to block.
type pointer struct {
	name, stride string
	step         int32
}

// walk generates the loops over blocks and rows: begin once a block, row once a row, with where the pointers are. What has
// no stride stays in a block.
func walk(f *Func, pointers []pointer, begin, row func(at []Local)) {
	blocks, rows, left := f.Param("blocks"), f.Param("rows"), f.I32()
	base, stride, at := make([]Local, len(pointers)), make([]Local, len(pointers)), f.I32s(len(pointers))
	for i, p := range pointers {
		base[i] = f.Param(p.name)
		if p.stride != "" {
			stride[i] = f.Param(p.stride)
		}
	}
	f.Repeat(blocks, func() {
		for i := range pointers {
			f.Move(at[i], base[i])
		}
		begin(at)
		f.Move(left, rows)
		f.Repeat(left, func() {
			row(at)
			for i, p := range pointers {
				if p.stride != "" {
					f.Add(at[i], stride[i])
				}
			}
		})
		for i, p := range pointers {
			f.Advance(base[i], p.step)
		}
	})
}

// loads sets variables to what follows an address.
func loads(f *Func, to []Local, at Local, offset int) {
	for i, l := range to {
		f.Get(at)
		f.Load(v128Load, offset+16*i)
		f.Set(l)
	}
}

// add generates the sum with one more term, of numbers of the given size.
func add(m *File, kind, number string, size int32) {
	doc := fmt.Sprintf(`sum%s is, for rows of 8·blocks channels, strides in bytes,

	sums[r][c] = from[r][c] + x[r][c]·m[c]`, kind)
	m.Func("sum"+kind, doc, []string{"sums *int64", "sumStride", "from *int64", "fromStride", "x *" + number, "xStride", "rows", "blocks", "m *int64"}, func(f *Func) {
		factors, value := f.V128s(4), f.V128()
		walk(f, []pointer{{"sums", "sumStride", 64}, {"from", "fromStride", 64}, {"x", "xStride", 8 * size}, {"m", "", 64}},
			func(at []Local) { loads(f, factors, at[3], 0) },
			func(at []Local) {
				for half := range 2 {
					f.Get(at[2])
					if size == 4 {
						f.Load(v128Load, 16*half)
					} else {
						f.Load(v128Load32Zero, 4*half)
						f.Vector(i16x8ExtendLowU)
						f.Vector(i32x4ExtendLowU)
					}
					f.Set(value)
					for k, extend := range []int{i64x2ExtendLowS, i64x2ExtendHighS} {
						f.Get(at[0], value)
						f.Vector(extend)
						f.Get(factors[2*half+k])
						f.Vector(i64x2Mul)
						f.Get(at[1])
						f.Load(v128Load, 32*half+16*k)
						f.Vector(i64x2Add)
						f.Load(v128Store, 32*half+16*k)
					}
				}
			})
	})
}

// requantize generates the requantization of sums to numbers of the given size, one at a time: vectors have no shift by lane.
func requantize(m *File, kind, number string, size int) {
	doc := fmt.Sprintf(`requantize%s is, for rows of 8·blocks channels, strides in bytes,

	dst[r][c] = clamp(zero + RNE(sums[r][c] · 2^-shift[c]), least, most)

The shifts are at least 1; table is, for each block, those and then 2^(shift-1) - 1.`, kind)
	m.Func("requantize"+kind, doc, []string{"dst *" + number, "dstStride", "sums *int64", "sumStride", "rows", "blocks", "table *int64", "zero", "least", "most"}, func(f *Func) {
		zero, least, most, sum, shift := f.Param64("zero"), f.Param64("least"), f.Param64("most"), f.I64(), f.I64()
		store := byte(i64Store8)
		if size == 4 {
			store = i64Store32
		}
		walk(f, []pointer{{"dst", "dstStride", int32(8 * size)}, {"sums", "sumStride", 64}, {"table", "", 128}}, func([]Local) {},
			func(at []Local) {
				for lane := range 8 {
					f.Get(at[0], at[1])
					f.Number(i64Load, 8*lane)
					f.Tee(sum)
					f.Get(at[2])
					f.Number(i64Load, 8*lane)
					f.Tee(shift)
					f.Op(i64ShrS)
					f.Const64(1)
					f.Op(i64And) // whether the number below is odd
					f.Get(sum)
					f.Op(i64Add)
					f.Get(at[2])
					f.Number(i64Load, 64+8*lane)
					f.Op(i64Add)
					f.Get(shift)
					f.Op(i64ShrS)
					f.Get(zero)
					f.Op(i64Add)
					f.Tee(sum)
					f.Get(least, sum, least)
					f.Op(i64GtS)
					f.Op(opSelect)
					f.Tee(sum)
					f.Get(most, sum, most)
					f.Op(i64LtS)
					f.Op(opSelect)
					f.Number(store, size*lane)
				}
			})
	})
}

// signs generates a loop over planes, and stores the codes of 8 channels with a bit of each plane that inside, which leaves two
// vectors of all ones or zeros for four channels each, has.
func signs(f *Func, dst, planes Local, inside func()) {
	left, bit, code := f.I32(), f.I32(), f.V128()
	f.Vector(v128Const, make([]byte, 16)...)
	f.Set(code)
	f.Const(1)
	f.Set(bit)
	f.Move(left, planes)
	f.Repeat(left, func() {
		f.Get(code)
		inside()
		f.Vector(i16x8NarrowI32x4S)
		f.Vector(v128Const, make([]byte, 16)...)
		f.Vector(i8x16NarrowI16x8S)
		f.Get(bit)
		f.Vector(i8x16Splat)
		f.Vector(v128And)
		f.Vector(v128Or)
		f.Set(code)
		f.Add(bit, bit)
	})
	f.Get(dst, code)
	f.Load(v128Store64Lane, 0)
	f.Op(0) // lane 0
}

// compare generates a comparison with a table of 64 bytes for each plane of a block; load loads a row, and inside compares it with
// what is at a place of the table.
func compare(f *Func, rows pointer, table string, load func(at Local), inside func(plane Local)) {
	planes, size, block, plane := f.Param("planes"), f.I32(), f.Param(table), f.I32()
	f.Get(block, planes)
	f.Const(6)
	f.Op(i32Shl)
	f.Tee(size)
	f.Op(i32Sub)
	f.Set(block)
	walk(f, []pointer{{"dst", "dstStride", 8}, rows}, func([]Local) { f.Add(block, size) }, func(at []Local) {
		load(at[1])
		f.Move(plane, block)
		signs(f, at[0], planes, func() {
			inside(plane)
			f.Advance(plane, 64)
		})
	})
}

// compareSums generates the comparison of sums with thresholds.
func compareSums(m *File) {
	doc := `compareSums sets bit p of the code of each of 8·blocks channels, and no other, where the sum is at least level p.
Strides are in bytes; levels are [block][plane][8].`
	m.Func("compareSums", doc, []string{"dst *uint8", "dstStride", "sums *int64", "sumStride", "rows", "blocks", "levels *int64", "planes"}, func(f *Func) {
		x := f.V128s(4)
		compare(f, pointer{"sums", "sumStride", 64}, "levels", func(at Local) { loads(f, x, at, 0) }, func(plane Local) {
			for half := range 2 {
				for k := range 2 {
					f.Get(x[2*half+k], plane)
					f.Load(v128Load, 32*half+16*k)
					f.Vector(i64x2GeS)
				}
				f.Vector(i8x16Shuffle, words(0, 2, 4, 6)...)
			}
		})
	})
}

// comparePlanes generates the comparison of accumulators with intervals.
func comparePlanes(m *File) {
	doc := `comparePlanes sets bit p of the code of each of 8·blocks channels, and no other, where its accumulator is in interval p.
Strides are in bytes; intervals are [block][plane][first, last][8].`
	m.Func("comparePlanes", doc, []string{"dst *uint8", "dstStride", "acc *int32", "accStride", "rows", "blocks", "intervals *int32", "planes"}, func(f *Func) {
		x := f.V128s(2)
		compare(f, pointer{"acc", "accStride", 32}, "intervals", func(at Local) { loads(f, x, at, 0) }, func(plane Local) {
			for half, x := range x {
				for k, within := range []int{i32x4GeS, i32x4LeS} {
					f.Get(x, plane)
					f.Load(v128Load, 32*k+16*half)
					f.Vector(within)
				}
				f.Vector(v128And)
			}
		})
	})
}
