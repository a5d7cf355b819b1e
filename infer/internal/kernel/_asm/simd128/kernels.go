// SPDX-License-Identifier: Apache-2.0

package simd128

import "fmt"

// Kernels returns the module of all kernels.
func Kernels() *File {
	m := new(File)
	dot(m)
	dotSigns(m, 1)
	dotSigns(m, 2)
	finish(m)
	sums(m)
	maxRow(m)
	sumRow(m)
	depthwise(m)
	return m
}

// dotRows are the rows that are multiplied at a time: their sums of 8 channels, two weights and what is on its way take 13
// registers, of which processors for x86 have 16.
const dotRows = 4

// dot generates products of codes with weights.
func dot(m *File) {
	doc := `dotBytes adds to start the products of codes, for rows and blocks of 8 channels:

	acc[r][c] = start[c] + Σ x[r][k]·w[k][c]

Row r of x starts offsets[r] bytes after x and has height parts of 4·steps codes, each part skip bytes after the end
of the one before. w is [block][height][steps][2][8][2], of each four taps the first and the third before the second
and the fourth; rows of acc are stride bytes apart.`
	m.Func("dotBytes", doc, []string{"acc *int32", "stride", "x *uint8", "offsets *int32", "rows", "blocks", "w *int8", "start *int32", "height",
		"steps", "skip"}, func(f *Func) {
		d := &product{Func: f, acc: f.Param("acc"), x: f.Param("x"), offsets: f.Param("offsets"), w: f.Param("w"), start: f.Param("start"),
			stride: f.Param("stride"), height: f.Param("height"), steps: f.Param("steps"), skip: f.Param("skip")}
		rows, blocks := f.Param("rows"), f.Param("blocks")
		d.at, d.out, d.offset, d.lines, d.pairs = f.I32(), f.I32(), f.I32(), f.I32(), f.I32()
		d.from, d.sums, d.weights, d.mask, d.code = f.I32s(dotRows), f.V128s(2*dotRows), f.V128s(2), f.V128(), f.V128()
		f.Vector(v128Const, 0xff, 0, 0xff, 0, 0xff, 0, 0xff, 0, 0xff, 0, 0xff, 0, 0xff, 0, 0xff, 0)
		f.Set(d.mask)
		left := f.I32()
		f.Repeat(blocks, func() {
			f.Move(d.out, d.acc)
			f.Move(d.offset, d.offsets)
			f.Get(rows)
			f.Const(2)
			f.Op(i32ShrU)
			f.Tee(left)
			f.If(func() { f.Repeat(left, func() { d.group(dotRows) }) })
			f.Get(rows)
			f.Const(dotRows - 1)
			f.Op(i32And)
			f.Tee(left)
			f.If(func() { f.Repeat(left, func() { d.group(1) }) })
			f.Advance(d.acc, 32)
			f.Advance(d.start, 32)
			f.Move(d.w, d.at)
		})
	})
}

// A product is the variables of dot.
type product struct {
	*Func
	acc, x, offsets, w, start, stride, height, steps, skip Local
	at, out, offset, lines, pairs                          Local
	from, sums, weights                                    []Local
	mask, code                                             Local
}

// group multiplies n rows with a block.
func (d *product) group(n int) {
	for r := range n {
		d.Word(d.offset, 4*r)
		d.Get(d.x)
		d.Op(i32Add)
		d.Set(d.from[r])
		for half := range 2 {
			d.Get(d.start)
			d.Load(v128Load, 16*half)
			d.Set(d.sums[2*r+half])
		}
	}
	d.Advance(d.offset, int32(4*n))
	d.Move(d.at, d.w)
	d.Move(d.lines, d.height)
	d.Repeat(d.lines, func() {
		d.several(n, 2, func() { d.Const(1); d.Op(i32ShrU) })
		d.several(n, 1, func() { d.Const(1); d.Op(i32And) })
		for r := range n {
			d.Add(d.from[r], d.skip)
		}
	})
	for r := range n {
		for half := range 2 {
			d.Get(d.out, d.sums[2*r+half])
			d.Load(v128Store, 16*half)
		}
		d.Add(d.out, d.stride)
	}
}

// several does so many steps at a time, as often as count makes of the number of steps.
func (d *product) several(n, together int, count func()) {
	d.Get(d.steps)
	count()
	d.Tee(d.pairs)
	d.If(func() {
		d.Repeat(d.pairs, func() {
			for k := range together {
				d.step(n, k)
			}
			d.Advance(d.at, int32(32*together))
			for r := range n {
				d.Advance(d.from[r], int32(4*together))
			}
		})
	})
}

// step multiplies four codes of each row: in words, the first and the third, then the second and the fourth.
func (d *product) step(n, k int) {
	for odd := range 2 {
		for half := range 2 {
			d.Get(d.at)
			d.Load(i16x8Load8x8S, 32*k+16*odd+8*half)
			d.Set(d.weights[half])
		}
		for r := range n {
			d.Get(d.from[r])
			d.Load(v128Load32Splat, 4*k)
			if odd == 0 {
				d.Get(d.mask)
				d.Vector(v128And)
			} else {
				d.Const(8)
				d.Vector(i16x8ShrU)
			}
			d.Set(d.code)
			for half := range 2 {
				d.Get(d.sums[2*r+half], d.code, d.weights[half])
				d.Vector(i32x4DotI16x8S)
				d.Vector(i32x4Add)
				d.Set(d.sums[2*r+half])
			}
		}
	}
}

// finish generates the requantizations of package vector.
func finish(m *File) {
	for _, k := range []struct {
		name  string
		terms []bool // whether each is codes
		ties  bool
	}{
		{"finishWide", []bool{false}, false}, {"finishWideTies", []bool{false}, true},
		{"finishWideCodes", []bool{false, true}, true}, {"finishWideWide", []bool{false, false}, true}, {"finishCodesCodes", []bool{true, true}, true},
	} {
		params := []string{"dst *uint8", "dstStride", "rows", "blocks"}
		for i, codes := range k.terms {
			of := map[bool]string{false: "int32", true: "uint8"}[codes]
			params = append(params, fmt.Sprintf("%c *%s", 'a'+i, of), fmt.Sprintf("%cStride", 'a'+i))
		}
		doc := k.name + ` requantizes rows of blocks of 8 channels, to codes of at most most, by a table of addBlock. Strides are in bytes.`
		if !k.ties {
			doc += " A half\nis rounded up."
		}
		m.Func(k.name, doc, append(params, "table *int64", "most"), func(f *Func) { finishRows(f, k.terms, k.ties) })
	}
}

// Places in the table of a block.
const (
	tableConstants = 0
	tableBelow     = 64
	tableShift     = 72
	tableZeros     = 80
	tableTerms     = 96
)

func finishRows(f *Func, terms []bool, ties bool) {
	dst, dstStride, rows, blocks, first, most := f.Param("dst"), f.Param("dstStride"), f.Param("rows"), f.Param("blocks"), f.Param("table"), f.Param("most")
	var x, xStride []Local
	for i := range terms {
		x, xStride = append(x, f.Param(string(rune('a'+i)))), append(xStride, f.Param(fmt.Sprintf("%cStride", 'a'+i)))
	}
	at, from, table, left := f.I32(), f.I32s(len(terms)), f.I32(), f.I32()
	sums, value, halves := f.V128s(2), f.V128(), f.V128s(2)
	f.Repeat(rows, func() {
		f.Move(at, dst)
		f.Move(table, first)
		f.Move(left, blocks)
		for i := range terms {
			f.Move(from[i], x[i])
		}
		f.Repeat(left, func() {
			size := tableTerms
			for half := range 2 {
				size = finishHalf(f, half, terms, ties, from, table, sums, value)
				f.Set(halves[half])
			}
			f.Get(at, halves[0], halves[1])
			f.Vector(i16x8NarrowI32x4S)
			f.Get(table)
			f.Load(v128Load, tableZeros)
			f.Vector(i16x8AddSatS)
			f.Tee(value)
			f.Get(value)
			f.Vector(i8x16NarrowI16x8U)
			f.Get(most)
			f.Vector(i8x16Splat)
			f.Vector(i8x16MinU)
			f.Load(v128Store64Lane, 0)
			f.Op(0) // lane 0
			f.Advance(at, 8)
			f.Advance(table, int32(size))
			for i, codes := range terms {
				f.Advance(from[i], map[bool]int32{false: 32, true: 8}[codes])
			}
		})
		f.Add(dst, dstStride)
		for i := range terms {
			f.Add(x[i], xStride[i])
		}
	})
}

// finishHalf leaves four rounded sums on the stack and returns the size of a block's table.
func finishHalf(f *Func, half int, terms []bool, ties bool, from []Local, table Local, sums []Local, value Local) (size int) {
	for i := range 2 {
		f.Get(table)
		f.Load(v128Load, tableConstants+32*half+16*i)
		f.Set(sums[i])
	}
	size = tableTerms
	for i, codes := range terms {
		f.Get(from[i])
		if codes {
			f.Load(v128Load32Zero, 4*half)
			f.Vector(i16x8ExtendLowU)
			f.Vector(i32x4ExtendLowU)
			f.Get(table)
			f.Load(v128Load, size+32+16*half)
			f.Vector(i32x4Mul)
		} else {
			f.Load(v128Load, 16*half)
		}
		f.Set(value)
		for k, product := range []int{i64x2ExtmulLowI32S, i64x2ExtmulHighI32S} {
			f.Get(sums[k], value, table)
			f.Load(v128Load, size+16*half)
			f.Vector(product)
			f.Vector(i64x2Add)
			f.Set(sums[k])
		}
		if size += 32; codes {
			size += 32
		}
	}
	f.Get(sums...)
	f.Vector(i8x16Shuffle, words(1, 3, 5, 7)...)
	f.Word(table, tableShift)
	f.Vector(i32x4ShrS)
	if ties { // an odd number made of a tie is one too much
		for k := range sums {
			f.Get(sums[k], table)
			f.Load(v128Load64Splat, tableBelow)
			f.Vector(v128And)
			f.Vector(v128Const, make([]byte, 16)...)
			f.Vector(i64x2Eq)
		}
		f.Vector(i8x16Shuffle, words(0, 2, 4, 6)...)
		f.Vector(v128Const, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0)
		f.Vector(v128And)
		f.Vector(v128AndNot)
	}
	return size
}

// blocksOf runs a body for blocks of so many channels, the last of which ends with the channels, with the first channel of
// each.
func blocksOf(size int32, f *Func, channel, last Local, body func()) {
	f.Const(0)
	f.Set(channel)
	done := f.I32()
	f.Loop(func() {
		body()
		f.Move(done, channel)
		f.Get(channel)
		f.Const(size)
		f.Op(i32Add)
		f.Tee(channel)
		f.Get(last, last, channel)
		f.Op(i32GtS)
		f.Op(opSelect)
		f.Set(channel)
		f.Get(done, last)
		f.Op(i32Ne)
	})
}

// eachTap runs a body for every tap of a window, with the place of the block's codes under it on the stack.
func eachTap(f *Func, at, left, offsets, taps, x, channel Local, body func()) {
	f.Move(at, offsets)
	f.Move(left, taps)
	f.Repeat(left, func() {
		f.Word(at, 0)
		f.Get(x)
		f.Op(i32Add)
		f.Get(channel)
		f.Op(i32Add)
		body()
		f.Advance(at, 4)
	})
}

// maxRow generates the greatest code of windows.
func maxRow(m *File) {
	doc := `maxRow writes the greatest code of each channel, of which there are at least 16, over taps at offsets, for pixels next
to each other, step bytes apart in x.`
	m.Func("maxRow", doc, []string{"dst *uint8", "x *uint8", "offsets *int32", "taps", "channels", "pixels", "step"}, func(f *Func) {
		dst, x, offsets := f.Param("dst"), f.Param("x"), f.Param("offsets")
		taps, channels, pixels, step := f.Param("taps"), f.Param("channels"), f.Param("pixels"), f.Param("step")
		last, channel, at, left, most := f.I32(), f.I32(), f.I32(), f.I32(), f.V128()
		f.Get(channels)
		f.Const(16)
		f.Op(i32Sub)
		f.Set(last)
		f.Repeat(pixels, func() {
			blocksOf(16, f, channel, last, func() {
				f.Vector(v128Const, make([]byte, 16)...)
				f.Set(most)
				eachTap(f, at, left, offsets, taps, x, channel, func() {
					f.Load(v128Load, 0)
					f.Get(most)
					f.Vector(i8x16MaxU)
					f.Set(most)
				})
				f.Get(dst, channel)
				f.Op(i32Add)
				f.Get(most)
				f.Load(v128Store, 0)
			})
			f.Add(dst, channels)
			f.Add(x, step)
		})
	})
}

// sumRow generates the sums of windows.
func sumRow(m *File) {
	doc := `sumRow writes start and the sum of the codes of each channel, of which there are at least 8, over taps at offsets, for
pixels next to each other, step bytes apart in x.`
	m.Func("sumRow", doc, []string{"acc *int32", "x *uint8", "offsets *int32", "taps", "channels", "pixels", "step", "start"}, func(f *Func) {
		acc, x, offsets := f.Param("acc"), f.Param("x"), f.Param("offsets")
		taps, channels, pixels, step, start := f.Param("taps"), f.Param("channels"), f.Param("pixels"), f.Param("step"), f.Param("start")
		last, channel, at, left, sums, codes := f.I32(), f.I32(), f.I32(), f.I32(), f.V128s(2), f.V128()
		f.Get(channels)
		f.Const(8)
		f.Op(i32Sub)
		f.Set(last)
		f.Repeat(pixels, func() {
			blocksOf(8, f, channel, last, func() {
				for _, sum := range sums {
					f.Get(start)
					f.Vector(i32x4Splat)
					f.Set(sum)
				}
				eachTap(f, at, left, offsets, taps, x, channel, func() {
					f.Load(i16x8Load8x8U, 0)
					f.Set(codes)
					for i, extend := range []int{i32x4ExtendLowU, i32x4ExtendHighU} {
						f.Get(sums[i], codes)
						f.Vector(extend)
						f.Vector(i32x4Add)
						f.Set(sums[i])
					}
				})
				f.Get(channel)
				f.Const(2)
				f.Op(i32Shl)
				f.Get(acc)
				f.Op(i32Add)
				f.Set(at)
				for i, sum := range sums {
					f.Get(at, sum)
					f.Load(v128Store, 16*i)
				}
			})
			f.Get(channels)
			f.Const(2)
			f.Op(i32Shl)
			f.Set(at)
			f.Add(acc, at)
			f.Add(x, step)
		})
	})
}

// depthwise generates products of channels with weights of their own.
func depthwise(m *File) {
	doc := `depthwiseRow is, for c < channels, of which there are at least 16, and p < pixels,

	acc[p·channels+c] = start[c] + Σ over 2·pairs taps of x[p·step+offsets[tap]+c]·w[tap][c]

The weights are of blocks of 16 channels, the last of which ends with the channels, [block][pair][16][2].`
	m.Func("depthwiseRow", doc, []string{"acc *int32", "x *uint8", "offsets *int32", "pairs", "channels", "pixels", "step", "w *int16",
		"start *int32"}, func(f *Func) {
		acc, x, offsets, w, start := f.Param("acc"), f.Param("x"), f.Param("offsets"), f.Param("w"), f.Param("start")
		pairs, channels, pixels, step := f.Param("pairs"), f.Param("channels"), f.Param("pixels"), f.Param("step")
		last, channel, at, left, weight, place := f.I32(), f.I32(), f.I32(), f.I32(), f.I32(), f.I32()
		sums, codes, both := f.V128s(4), f.V128s(2), f.V128()
		f.Get(channels)
		f.Const(16)
		f.Op(i32Sub)
		f.Set(last)
		f.Repeat(pixels, func() {
			f.Move(weight, w)
			blocksOf(16, f, channel, last, func() {
				f.Get(channel)
				f.Const(2)
				f.Op(i32Shl)
				f.Tee(place)
				f.Get(start)
				f.Op(i32Add)
				f.Set(at)
				for i := range sums {
					f.Get(at)
					f.Load(v128Load, 16*i)
					f.Set(sums[i])
				}
				f.Move(at, offsets)
				f.Move(left, pairs)
				f.Repeat(left, func() {
					for tap := range codes {
						f.Word(at, 4*tap)
						f.Get(x)
						f.Op(i32Add)
						f.Get(channel)
						f.Op(i32Add)
						f.Load(v128Load, 0)
						f.Set(codes[tap])
					}
					for half := range byte(2) {
						var own []byte
						for i := range byte(8) {
							own = append(own, 8*half+i, 16+8*half+i)
						}
						f.Get(codes...)
						f.Vector(i8x16Shuffle, own...)
						f.Set(both)
						for part, extend := range []int{i16x8ExtendLowU, i16x8ExtendHighU} {
							i := 2*int(half) + part
							f.Get(sums[i], both)
							f.Vector(extend)
							f.Get(weight)
							f.Load(v128Load, 16*i)
							f.Vector(i32x4DotI16x8S)
							f.Vector(i32x4Add)
							f.Set(sums[i])
						}
					}
					f.Advance(at, 8)
					f.Advance(weight, 64)
				})
				f.Get(acc)
				f.Get(place)
				f.Op(i32Add)
				f.Set(at)
				for i := range sums {
					f.Get(at, sums[i])
					f.Load(v128Store, 16*i)
				}
			})
			f.Get(channels)
			f.Const(2)
			f.Op(i32Shl)
			f.Set(at)
			f.Add(acc, at)
			f.Add(x, step)
		})
	})
}
