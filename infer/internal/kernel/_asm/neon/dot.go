// SPDX-License-Identifier: Apache-2.0

package neon

import (
	"fmt"

	. "github.com/goqat/goqat/infer/internal/kernel/_asm/arm64"
)

// maxRows is the number of rows of the largest tile: 4 × 16 sums fill 16 of the 32 registers. The rest hold codes and, so
// that loads are ahead of products on processors that take instructions in order, the weights of some steps.
const maxRows = 4

// dot generates the products of codes and of signs.
func dot(f *File) {
	t := &tile{File: f}
	for n := 1; n <= maxRows; n++ {
		t.n = n
		t.dots()
		t.bytes()
		t.words()
		t.signs()
	}
}

// A tile is n rows of x against 16 columns of w.
type tile struct {
	*File
	n                                       int
	acc, stride, x, offsets, tiles, w, from R
	left, height, steps, skip               R
	rows                                    []R // of x
}

const signature = "acc *int32, stride int, x *uint8, offsets *int32, tiles int, w *int8, start *int32, height int, steps int, skip int"

// begin begins a function, with more parameters than all have, and the loop over tiles.
func (t *tile) begin(name, more string, doc ...string) {
	t.Func(fmt.Sprintf("%s%d", name, t.n), signature+more, doc...)
	t.acc, t.stride, t.x, t.offsets, t.tiles = t.Param("acc"), t.Param("stride"), t.Param("x"), t.Param("offsets"), t.Param("tiles")
	t.steps, t.skip = t.Param("steps"), t.Param("skip")
	t.w, t.from, t.left, t.height = t.GP(), t.GP(), t.GP(), t.GP()
	t.rows = nil
	for range t.n {
		t.rows = append(t.rows, t.GP())
	}
	t.Label("tile")
	for _, row := range t.rows {
		t.Op("MOVW.P 4(%v), %v", t.offsets, row)
		t.Op("ADD %v, %v", t.x, row)
	}
	t.Load("w", t.w)
	t.Load("start", t.from)
	t.Load("height", t.height)
}

// row begins the loop over the parts of a product, and end ends it: after a part, rows skip to the next.
func (t *tile) row() { t.Label("row") }

func (t *tile) end() {
	t.Label("next")
	for _, row := range t.rows {
		t.Op("ADD %v, %v", t.skip, row)
	}
	t.Op("SUBS $1, %v, %v", t.height, t.height)
	t.Op("BNE row")
}

// finish ends the loop over tiles and the function.
func (t *tile) finish() {
	t.Op("SUBS $1, %v, %v", t.tiles, t.tiles)
	t.Op("BNE tile")
	t.Op("RET")
}

// begin32 fills sums of 32 bits, four registers a row from the given one on, and end32 stores them.
func (t *tile) begin32(sums V) {
	t.Op("VLD1 (%v), %s", t.from, Vs(sums, 4, "S4"))
	for i := 4; i < 4*t.n; i++ {
		t.Op("VORR %v.B16, %v.B16, %v.B16", sums+V(i%4), sums+V(i%4), sums+V(i))
	}
}

func (t *tile) end32(sums V) {
	for i := range t.n {
		t.Op("VST1 %s, (%v)", Vs(sums+V(4*i), 4, "S4"), t.acc)
		t.Op("ADD %v, %v", t.stride, t.acc)
	}
}

// part generates a part of a product: four steps at a time, whose codes fill a register, and then one by one.
func (t *tile) part(codes V, steps func(n int)) {
	t.Op("LSR $2, %v, %v", t.steps, t.left)
	t.Op("CBZ %v, rest", t.left)
	t.Label("four")
	for i, row := range t.rows {
		t.Op("VLD1.P 16(%v), %s", row, Vs(codes+V(i), 1, "B16"))
	}
	steps(4)
	t.Op("SUBS $1, %v, %v", t.left, t.left)
	t.Op("BNE four")
	t.Label("rest")
	t.Op("ANDS $3, %v, %v", t.steps, t.left)
	t.Op("BEQ next")
	t.Label("one")
	for i, row := range t.rows {
		t.Op("VLD1.P 4(%v), %v.S[0]", row, codes+V(i))
	}
	steps(1)
	t.Op("SUBS $1, %v, %v", t.left, t.left)
	t.Op("BNE one")
}

// dots generates the product by SDOT, four taps a step. It wants signed codes: 128 less than they are.
func (t *tile) dots() {
	t.begin("dotFours", "",
		fmt.Sprintf("dotFours%d adds to start the products of 8-bit codes, less 128, %d rows at a time:", t.n, t.n), "",
		"\tacc[r][c] = start[c] + Σ (x[r][k] - 128)·w[k][c]", "",
		fmt.Sprintf("for tiles × %d rows and 16 columns. Row r of x starts offsets[r] bytes after x and has height parts of", t.n),
		"4·steps codes, each part skip bytes after the end of the one before. w is [height][steps][16][4]; rows of",
		"acc are stride bytes apart. It takes FEAT_DotProd.")
	const sums, codes, weights, flip = V(0), V(16), V(20), V(28)
	t.Op("VMOVI $128, %v.B16", flip)
	t.begin32(sums)
	t.row()
	t.part(codes, func(n int) {
		load := func(step int) { t.Op("VLD1.P 64(%v), %s", t.w, Vs(weights+V(step%2*4), 4, "B16")) }
		load(0)
		for i := range t.n {
			t.Op("VEOR %v.B16, %v.B16, %v.B16", flip, codes+V(i), codes+V(i))
		}
		for step := range n {
			if step+1 < n {
				load(step + 1)
			}
			for i := range V(4) {
				for r := range t.n {
					t.SDOT(sums+V(4*r)+i, weights+V(step%2*4)+i, codes+V(r), step)
				}
			}
		}
	})
	t.end()
	t.end32(sums)
	t.finish()
}

// words generates the product of codes widened to 16 bits by SMLAL, two taps a step.
func (t *tile) words() {
	t.begin("dotWords", "",
		fmt.Sprintf("dotWords%d adds to start the products of 16-bit codes, %d rows at a time:", t.n, t.n), "",
		"\tacc[r][c] = start[c] + Σ x[r][k]·w[k][c]", "",
		fmt.Sprintf("for tiles × %d rows and 16 columns. Row r of x starts offsets[r] bytes after x and has height parts of", t.n),
		"2·steps codes, each part skip bytes after the end of the one before. w is [height][2·steps][16]; rows of",
		"acc are stride bytes apart.")
	const codes, sums, wide, narrow = V(0), V(4), V(20), V(28)
	t.begin32(sums)
	t.row()
	t.part(codes, func(n int) {
		each := min(2*n, 4) // taps whose weights are widened together, while those of the next are loaded
		load := func() { t.Op("VLD1.P %d(%v), %s", 16*each, t.w, Vs(narrow, each, "B16")) }
		load()
		for first := 0; first < 2*n; first += each {
			for i := range V(each) {
				t.SXTL(wide+2*i, narrow+i, false)
				t.SXTL(wide+2*i+1, narrow+i, true)
			}
			if first+each < 2*n {
				load()
			}
			for i := range each {
				for r := range t.n {
					for k := range V(4) {
						t.SMLALWord(sums+V(4*r)+k, wide+V(2*i)+k/2, codes+V(r), first+i, k%2 == 1)
					}
				}
			}
		}
	})
	t.end()
	t.end32(sums)
	t.finish()
}

// blocks generates a product whose sums, in so many registers, are narrow and go to acc after a block of steps, before they
// could overflow. block loads the steps of a block, step generates one of them, and flush adds sums to a row of acc.
func (t *tile) blocks(sums int, block func(budget R), step func(), flush func(r int, row R)) {
	const start = V(28)
	budget, now, row := t.GP(), t.GP(), t.from
	t.Op("VLD1 (%v), %s", t.from, Vs(start, 4, "S4"))
	t.Op("MOVD %v, %v", t.acc, row)
	for range t.n {
		t.Op("VST1 %s, (%v)", Vs(start, 4, "S4"), row)
		t.Op("ADD %v, %v", t.stride, row)
	}
	clear := func() {
		for i := range V(sums) {
			t.Op("VEOR %v.B16, %v.B16, %v.B16", i, i, i)
		}
	}
	clear()
	block(budget)
	t.row()
	t.Op("MOVD %v, %v", t.steps, t.left)
	t.Label("part") // as many steps as the row and the block have
	t.Op("CMP %v, %v", budget, t.left)
	t.Op("CSEL LT, %v, %v, %v", t.left, budget, now)
	t.Op("SUB %v, %v", now, t.left)
	t.Op("SUB %v, %v", now, budget)
	t.Label("step")
	step()
	t.Op("SUBS $1, %v, %v", now, now)
	t.Op("BNE step")
	t.Op("CBNZ %v, whole", budget)
	t.Op("MOVD %v, %v", t.acc, row)
	for r := range t.n {
		flush(r, row)
		t.Op("ADD %v, %v", t.stride, row)
	}
	clear()
	block(budget)
	t.Label("whole")
	t.Op("CBNZ %v, part", t.left)
	t.end()
	for r := range t.n {
		flush(r, t.acc)
		t.Op("ADD %v, %v", t.stride, t.acc)
	}
	t.finish()
}

// bytes generates the product by SMLAL of bytes, four taps a step, with sums of 16 bits.
func (t *tile) bytes() {
	t.begin("dotBytes", ", block int",
		fmt.Sprintf("dotBytes%d is as dotFours%d, with w [height][4·steps][16]. It is exact where Σ (x - 128)·w of block successive", t.n, t.n),
		"steps of a row and a column fits int16.")
	const codes, code, weights, flip, wide = V(8), V(12), V(20), V(24), V(28)
	t.Op("VMOVI $128, %v.B16", flip)
	t.blocks(2*t.n, func(budget R) { t.Load("block", budget) }, func() {
		for i, row := range t.rows {
			t.Op("VLD1R.P 4(%v), %s", row, Vs(codes+V(i), 1, "S4"))
		}
		t.Op("VLD1.P 64(%v), %s", t.w, Vs(weights, 4, "B16"))
		for i := range t.rows {
			t.Op("VEOR %v.B16, %v.B16, %v.B16", flip, codes+V(i), codes+V(i))
		}
		for tap := range 4 {
			code := code + V(tap%2*4)
			for r := range t.n {
				t.Op("VDUP %v.B[%d], %v.B16", codes+V(r), tap, code+V(r))
			}
			for r := range t.n {
				t.SMLAL(V(2*r), code+V(r), weights+V(tap), 0, false)
				t.SMLAL(V(2*r+1), code+V(r), weights+V(tap), 0, true)
			}
		}
	}, func(r int, row R) {
		t.Op("VLD1 (%v), %s", row, Vs(wide, 4, "S4"))
		for i := range V(4) {
			t.SADDW(wide+i, wide+i, V(2*r)+i/2, 1, i%2 == 1)
		}
		t.Op("VST1 %s, (%v)", Vs(wide, 4, "S4"), row)
	})
}

// signs generates the product of signs, eight a byte, 32 taps a step. It counts those that differ in 8 bits.
func (t *tile) signs() {
	t.begin("dotSigns", "",
		fmt.Sprintf("dotSigns%d subtracts from start twice the number of bits that differ, %d rows at a time:", t.n, t.n), "",
		"\tacc[r][c] = start[c] - 2·Σ popcount(x[r][k] xor w[k][c])", "",
		"Otherwise it is as dotFours.")
	const codes, weights, other = V(16), V(20), V(24)
	t.blocks(4*t.n, func(budget R) { t.Op("MOVD $%d, %v", 255/8, budget) }, func() {
		t.Op("VLD1.P 64(%v), %s", t.w, Vs(weights, 4, "B16"))
		for i, row := range t.rows {
			t.Op("VLD1R.P 4(%v), %s", row, Vs(codes+V(i), 1, "S4"))
		}
		for r := range t.n {
			other := other + V(r%2*4)
			for i := range V(4) {
				t.Op("VEOR %v.B16, %v.B16, %v.B16", weights+i, codes+V(r), other+i)
			}
			for i := range V(4) {
				t.Op("VCNT %v.B16, %v.B16", other+i, other+i)
			}
			for i := range V(4) {
				t.Op("VADD %v.B16, %v.B16, %v.B16", other+i, V(4*r)+i, V(4*r)+i)
			}
		}
	}, func(r int, row R) {
		t.Op("VLD1 (%v), %s", row, Vs(codes, 4, "S4"))
		for i := range V(4) {
			t.UADDLP(V(4*r)+i, V(4*r)+i, 0)
		}
		for i := range V(4) {
			t.UADDLP(V(4*r)+i, V(4*r)+i, 1)
		}
		for i := range V(4) { // twice
			t.Op("VSUB %v.S4, %v.S4, %v.S4", V(4*r)+i, codes+i, codes+i)
		}
		for i := range V(4) {
			t.Op("VSUB %v.S4, %v.S4, %v.S4", V(4*r)+i, codes+i, codes+i)
		}
		t.Op("VST1 %s, (%v)", Vs(codes, 4, "S4"), row)
	})
}
