// SPDX-License-Identifier: Apache-2.0

package simd128

import "fmt"

// mostSteps is how many counts of bits in bytes fit a byte.
const mostSteps = 31

// dotSigns generates products of signs with signs, n rows at a time.
func dotSigns(m *File, n int) {
	doc := fmt.Sprintf(`dotSigns%d takes twice the number of bits in which codes and weights differ from start, for %d rows at a time and 16
channels:

	acc[r][c] = start[c] - 2·Σ bits of (x[r][k] ^ w[k][c])

Row r of x starts offsets[r] bytes after x and has height parts of 4·steps bytes, each part skip bytes after the end of
the one before. w is [height][steps][16][4]; rows of acc are stride bytes apart.`, n, n)
	m.Func(fmt.Sprintf("dotSigns%d", n), doc, []string{"acc *int32", "stride", "x *uint8", "offsets *int32", "tiles", "w *int8", "start *int32", "height", "steps",
		"skip"}, func(f *Func) {
		d := &signProduct{Func: f, rows: n, w: f.Param("w"), left: f.I32(), part: f.I32(), from: f.I32s(n), code: f.V128s(n), counts: f.V128s(4 * n), weights: f.V128()}
		acc, x, offsets, start := f.Param("acc"), f.Param("x"), f.Param("offsets"), f.Param("start")
		stride, tiles, height, steps, skip := f.Param("stride"), f.Param("tiles"), f.Param("height"), f.Param("steps"), f.Param("skip")
		first, lines := f.I32(), f.I32()
		d.out = f.I32s(n)
		f.Move(first, d.w)
		f.Repeat(tiles, func() {
			for r := range n {
				f.Word(offsets, 4*r)
				f.Get(x)
				f.Op(i32Add)
				f.Set(d.from[r])
				f.Move(d.out[r], acc)
				f.Add(acc, stride)
				for i := range 4 {
					f.Get(d.out[r], start)
					f.Load(v128Load, 16*i)
					f.Load(v128Store, 16*i)
				}
			}
			f.Advance(offsets, int32(4*n))
			f.Move(d.w, first)
			f.Move(lines, height)
			f.Repeat(lines, func() {
				f.Move(d.left, steps)
				f.Loop(func() {
					d.count()
					f.Get(d.left)
				})
				for r := range n {
					f.Add(d.from[r], skip)
				}
			})
		})
	})
}

// A signProduct is the variables of dotSigns.
type signProduct struct {
	*Func
	rows          int
	w, left, part Local
	from, out     []Local
	code, counts  []Local
	weights       Local
}

// count counts the bits of some steps in bytes, as many as fit, and takes them from the sums.
func (d *signProduct) count() {
	for _, c := range d.counts {
		d.Vector(v128Const, make([]byte, 16)...)
		d.Set(c)
	}
	d.Const(mostSteps)
	d.Get(d.left, d.left)
	d.Const(mostSteps)
	d.Op(i32GtS)
	d.Op(opSelect)
	d.Set(d.part)
	d.Get(d.left, d.part)
	d.Op(i32Sub)
	d.Set(d.left)
	d.Repeat(d.part, func() {
		for r := range d.rows {
			d.Get(d.from[r])
			d.Load(v128Load32Splat, 0)
			d.Set(d.code[r])
			d.Advance(d.from[r], 4)
		}
		for i := range 4 {
			d.Get(d.w)
			d.Load(v128Load, 16*i)
			d.Set(d.weights)
			for r := range d.rows {
				d.Get(d.counts[4*r+i], d.code[r], d.weights)
				d.Vector(v128Xor)
				d.Vector(i8x16Popcnt)
				d.Vector(i8x16Add)
				d.Set(d.counts[4*r+i])
			}
		}
		d.Advance(d.w, 64)
	})
	for r := range d.rows {
		for i := range 4 {
			d.Get(d.out[r], d.out[r])
			d.Load(v128Load, 16*i)
			d.Get(d.counts[4*r+i])
			d.Vector(i16x8ExtaddPairwiseU)
			d.Vector(i32x4ExtaddPairwiseU)
			d.Const(1)
			d.Vector(i32x4Shl)
			d.Vector(i32x4Sub)
			d.Load(v128Store, 16*i)
		}
	}
}
