// SPDX-License-Identifier: Apache-2.0

package avx2

import (
	"fmt"
	"math/bits"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// maxRows is the number of rows of the largest tile: 6 × 16 sums fill 12 of the 16 registers.
const maxRows = 6

// dot generates the products of codes and of signs.
func dot() {
	ones, differ, counts := wordOnes(), table("differ", func(int) int { return -2 }), table("counts", func(i int) int { return bits.OnesCount8(uint8(i)) })
	for n := 1; n <= maxRows; n++ {
		dotWords(n)
		dotBytes(n, ones)
		dotSigns(n, ones, differ, counts)
	}
}

// wordOnes is a register of sixteen words 1.
func wordOnes() Mem {
	m := GLOBL("wordOnes", RODATA|NOPTR)
	for i := range 16 {
		DATA(2*i, U16(1))
	}
	return m
}

// table is a register of twice sixteen bytes.
func table(name string, value func(i int) int) Mem {
	m := GLOBL(name, RODATA|NOPTR)
	for i := range 32 {
		DATA(i, U8(uint8(value(i%16))))
	}
	return m
}

// A tile is the state that all kinds of dot product keep: n rows of x against 16 columns of w.
type tile struct {
	n                         int
	acc, offsets, w, at, left GPVirtual
	rows                      []GPVirtual // of x
	sums                      [][2]VecVirtual
	tiles, height             Mem
}

func begin(n int, signature string, doc ...string) *tile {
	TEXT(fmt.Sprintf("dot%s%d", signature[:5], n), NOSPLIT, signature[5:])
	Doc(doc...)
	Pragma("noescape")
	t := &tile{n: n, acc: GP64(), offsets: GP64(), w: GP64(), at: GP64(), left: GP64(), tiles: AllocLocal(8), height: AllocLocal(8)}
	Load(Param("acc"), t.acc)
	Load(Param("offsets"), t.offsets)
	tiles := Load(Param("tiles"), GP64())
	MOVQ(tiles, t.tiles)
	Label("tile")
	x := Load(Param("x"), GP64())
	for i := range n {
		row := GP64()
		MOVLQSX(Mem{Base: t.offsets, Disp: 4 * i}, row)
		ADDQ(x, row)
		t.rows = append(t.rows, row)
	}
	for range n {
		t.sums = append(t.sums, [2]VecVirtual{YMM(), YMM()})
	}
	Load(Param("w"), t.w)
	XORQ(t.at, t.at)
	height := Load(Param("height"), GP64())
	MOVQ(height, t.height)
	return t
}

// nextTile ends a tile and its function; acc is after the tile's rows.
func (t *tile) nextTile() {
	ADDQ(Imm(uint64(4*t.n)), t.offsets)
	DECQ(t.tiles)
	JNZ(LabelRef("tile"))
	VZEROUPPER()
	RET()
}

// nextRow goes on with the next row of the kernel.
func (t *tile) nextRow() {
	skip := Load(Param("skip"), GP64())
	ADDQ(skip, t.at)
	DECQ(t.height)
	JNZ(LabelRef("row"))
}

// dotWords generates the product of codes widened to 16 bits, two taps a step.
func dotWords(n int) {
	t := begin(n, "Wordsfunc(acc *int32, stride int, x *uint8, offsets *int32, tiles int, w *int8, start *int32, height, steps, skip int)",
		fmt.Sprintf("dotWords%d adds to start the products of 16-bit codes, %d rows at a time:", n, n),
		"", "\tacc[r][c] = start[c] + Σ x[r][k]·w[k][c]", "",
		"for tiles × "+fmt.Sprint(n)+" rows and 16 columns. Row r of x starts offsets[r] bytes after x and has height parts of",
		"2·steps codes, each part skip bytes after the end of the one before. w is [height][steps][16][2]; rows of",
		"acc are stride bytes apart.")
	start := Load(Param("start"), GP64())
	for i := range n {
		VMOVDQU(Mem{Base: start}, t.sums[i][0])
		VMOVDQU(Mem{Base: start, Disp: 32}, t.sums[i][1])
	}
	Label("row")
	Load(Param("steps"), t.left)
	loopLabel("step")
	w0, w1, q, product := YMM(), YMM(), YMM(), YMM()
	VPMOVSXBW(Mem{Base: t.w}, w0)
	VPMOVSXBW(Mem{Base: t.w, Disp: 16}, w1)
	for i := range n {
		VPBROADCASTD(Mem{Base: t.rows[i], Index: t.at, Scale: 1}, q)
		VPMADDWD(q, w0, product)
		VPADDD(product, t.sums[i][0], t.sums[i][0])
		VPMADDWD(q, w1, q)
		VPADDD(q, t.sums[i][1], t.sums[i][1])
	}
	ADDQ(Imm(4), t.at)
	ADDQ(Imm(32), t.w)
	DECQ(t.left)
	JNZ(LabelRef("step"))
	t.nextRow()
	stride := Load(Param("stride"), GP64())
	for i := range n {
		VMOVDQU(t.sums[i][0], Mem{Base: t.acc})
		VMOVDQU(t.sums[i][1], Mem{Base: t.acc, Disp: 32})
		ADDQ(stride, t.acc)
	}
	t.nextTile()
}

// dotBytes generates the product of 8-bit codes, four taps a step, that sums in 16 bits and moves the sums to 32 bits
// every block steps.
func dotBytes(n int, ones Mem) {
	t := begin(n, "Bytesfunc(acc *int32, stride int, x *uint8, offsets *int32, tiles int, w *int8, start *int32, height, steps, skip, block int)",
		fmt.Sprintf("dotBytes%d is dotWords%d on 8-bit codes, in parts of 4·steps, with w [height][steps][16][4]. It is exact where", n, n),
		"Σ x·w over the taps 4i, 4i+1 or 4i+2, 4i+3 of block successive steps i fits int16.")
	start, stride := Load(Param("start"), GP64()), Load(Param("stride"), GP64())
	s0, s1 := YMM(), YMM()
	VMOVDQU(Mem{Base: start}, s0)
	VMOVDQU(Mem{Base: start, Disp: 32}, s1)
	row := GP64()
	MOVQ(t.acc, row)
	for i := range n {
		VMOVDQU(s0, Mem{Base: row})
		VMOVDQU(s1, Mem{Base: row, Disp: 32})
		ADDQ(stride, row)
		VPXOR(t.sums[i][0], t.sums[i][0], t.sums[i][0])
		VPXOR(t.sums[i][1], t.sums[i][1], t.sums[i][1])
	}
	budget, steps := GP64(), GP64()
	Load(Param("block"), budget)
	Label("row")
	Load(Param("steps"), t.left)
	Label("part") // as many steps as the row and the block have
	MOVQ(t.left, steps)
	CMPQ(budget, steps)
	CMOVQLT(budget, steps)
	SUBQ(steps, t.left)
	SUBQ(steps, budget)
	loopLabel("step")
	w0, w1, q, product := YMM(), YMM(), YMM(), YMM()
	VMOVDQU(Mem{Base: t.w}, w0)
	VMOVDQU(Mem{Base: t.w, Disp: 32}, w1)
	for i := range n {
		VPBROADCASTD(Mem{Base: t.rows[i], Index: t.at, Scale: 1}, q)
		VPMADDUBSW(w0, q, product)
		VPADDW(product, t.sums[i][0], t.sums[i][0])
		VPMADDUBSW(w1, q, q)
		VPADDW(q, t.sums[i][1], t.sums[i][1])
	}
	ADDQ(Imm(4), t.at)
	ADDQ(Imm(64), t.w)
	DECQ(steps)
	JNZ(LabelRef("step"))
	TESTQ(budget, budget)
	JNZ(LabelRef("whole"))
	t.flush(ones, nil, false)
	Load(Param("block"), budget)
	Label("whole")
	TESTQ(t.left, t.left)
	JNZ(LabelRef("part"))
	t.nextRow()
	t.flush(ones, nil, true)
	t.nextTile()
}

// dotSigns generates the product of signs, four in the low half of each byte, sixteen taps a step. It counts those that
// differ in 8 bits, and moves the counts to 32 bits before they could overflow.
func dotSigns(n int, ones, differ, counts Mem) {
	const block = 63 // steps, of at most four signs a byte
	t := begin(n, "Signsfunc(acc *int32, stride int, x *uint8, offsets *int32, tiles int, w *int8, start *int32, height, steps, skip int)",
		fmt.Sprintf("dotSigns%d subtracts from start twice the number of bits that differ, %d rows at a time:", n, n),
		"", "\tacc[r][c] = start[c] - 2·Σ popcount(x[r][k] xor w[k][c])", "",
		"All bytes are below 16. Otherwise it is as dotBytes, in parts of 4·steps, with w [height][steps][16][4].")
	start, stride := Load(Param("start"), GP64()), Load(Param("stride"), GP64())
	s0, s1 := YMM(), YMM()
	VMOVDQU(Mem{Base: start}, s0)
	VMOVDQU(Mem{Base: start, Disp: 32}, s1)
	row := GP64()
	MOVQ(t.acc, row)
	for i := range n {
		VMOVDQU(s0, Mem{Base: row})
		VMOVDQU(s1, Mem{Base: row, Disp: 32})
		ADDQ(stride, row)
		VPXOR(t.sums[i][0], t.sums[i][0], t.sums[i][0])
		VPXOR(t.sums[i][1], t.sums[i][1], t.sums[i][1])
	}
	budget, steps := GP64(), GP64()
	MOVQ(U32(block), budget)
	Label("row")
	Load(Param("steps"), t.left)
	Label("part") // as many steps as the row and the block have
	MOVQ(t.left, steps)
	CMPQ(budget, steps)
	CMOVQLT(budget, steps)
	SUBQ(steps, t.left)
	SUBQ(steps, budget)
	count := YMM()
	VMOVDQU(counts, count)
	loopLabel("step")
	w0, q, other := YMM(), YMM(), YMM()
	VMOVDQU(Mem{Base: t.w}, w0)
	for i := range n {
		VPBROADCASTD(Mem{Base: t.rows[i], Index: t.at, Scale: 1}, q)
		VPXOR(q, w0, other)
		VPSHUFB(other, count, other)
		VPADDB(other, t.sums[i][0], t.sums[i][0])
		VPXOR(Mem{Base: t.w, Disp: 32}, q, q)
		VPSHUFB(q, count, q)
		VPADDB(q, t.sums[i][1], t.sums[i][1])
	}
	ADDQ(Imm(4), t.at)
	ADDQ(Imm(64), t.w)
	DECQ(steps)
	JNZ(LabelRef("step"))
	TESTQ(budget, budget)
	JNZ(LabelRef("whole"))
	t.flush(ones, &differ, false)
	MOVQ(U32(block), budget)
	Label("whole")
	TESTQ(t.left, t.left)
	JNZ(LabelRef("part"))
	t.nextRow()
	t.flush(ones, &differ, true)
	t.nextTile()
}

// flush adds the 16-bit sums, or the 8-bit sums times factors, to those in memory and clears them; with advance, acc
// goes after the rows.
func (t *tile) flush(ones Mem, factors *Mem, advance bool) {
	one, wide := YMM(), YMM()
	VMOVDQU(ones, one)
	row, stride := t.acc, GP64()
	if !advance {
		row = GP64()
		MOVQ(t.acc, row)
	}
	Load(Param("stride"), stride)
	for i := range t.n {
		for half, sums := range t.sums[i] {
			if factors != nil {
				VPMADDUBSW(*factors, sums, wide)
				VPMADDWD(one, wide, wide)
			} else {
				VPMADDWD(one, sums, wide)
			}
			VPADDD(Mem{Base: row, Disp: 32 * half}, wide, wide)
			VMOVDQU(wide, Mem{Base: row, Disp: 32 * half})
			if !advance {
				VPXOR(sums, sums, sums)
			}
		}
		ADDQ(stride, row)
	}
}
