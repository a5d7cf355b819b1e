// SPDX-License-Identifier: Apache-2.0

package avx512

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// signs generates the convolution of signs and the packing of its input.
func signs() {
	signGroups(1)
	signGroups(4)
	signWords(1, 1)
	signWords(8, 1)
	signWords(1, 2)
	signWords(6, 2)
	pack("Groups")
	pack("Words")
	packWhole()
	packHalves()
}

// Functions of three bits as the byte that VPTERNLOGD takes: bit 4a + 2b + c is the value at a, b, c, of which a is
// where the result goes.
const (
	// carry is the majority of p₁, p₂ and p₃, from a = p₁, b = p₁ xor p₂, c = p₁ xor p₂ xor p₃.
	carry = 0x74
	// carryOver is the majority of b, a and a xor c.
	carryOver = 0xd8
)

// A signTile is n rows of x against 16·columns columns of w, in loops over tiles, over the lines of the kernel and over the
// steps of a line.
type signTile struct {
	n, columns    int
	acc, w, at    GPVirtual
	rows          []GPVirtual
	counts        [][]VecVirtual
	tiles, height Mem
}

// loops generates a function of n rows and of columns; step generates a step and moves w and at after it, end what is counted when all
// steps are done.
func loops(name, unit, doc string, n, columns int, begin func(t *signTile), step func(t *signTile), end func(t *signTile, row, column int)) {
	TEXT(name, NOSPLIT, "func(acc *int32, stride int, x *uint8, offsets *int32, tiles int, w *uint32, start *int32, height, steps, skip int)")
	Doc(fmt.Sprintf("%s is, for tiles × %d rows and %d columns,", name, n, 16*columns), "",
		"\tacc[r][c] = start[c] - 2·Σ popcount(x[r][k] xor w[k][c])", "",
		"Row r of x starts offsets[r] bytes after x and has height parts of steps "+unit+", each part skip bytes",
		"after the end of the one before. Rows of acc are stride bytes apart.", doc)
	Pragma("noescape")
	t := &signTile{n: n, columns: columns, acc: GP64(), w: GP64(), at: GP64(), tiles: AllocLocal(8), height: AllocLocal(8)}
	offsets, left := GP64(), GP64()
	Load(Param("acc"), t.acc)
	Load(Param("offsets"), offsets)
	tiles := Load(Param("tiles"), GP64())
	MOVQ(tiles, t.tiles)
	Label("tile")
	x := Load(Param("x"), GP64())
	for i := range n {
		row := GP64()
		MOVLQSX(Mem{Base: offsets, Disp: 4 * i}, row)
		ADDQ(x, row)
		t.rows = append(t.rows, row)
		t.counts = append(t.counts, t.zeros())
	}
	begin(t)
	Load(Param("w"), t.w)
	XORQ(t.at, t.at)
	height := Load(Param("height"), GP64())
	MOVQ(height, t.height)
	Label("line")
	Load(Param("steps"), left)
	Label("step")
	step(t)
	DECQ(left)
	JNZ(LabelRef("step"))
	skip := Load(Param("skip"), GP64())
	ADDQ(skip, t.at)
	DECQ(t.height)
	JNZ(LabelRef("line"))
	start, stride := Load(Param("start"), GP64()), Load(Param("stride"), GP64())
	for i := range n {
		for j, count := range t.counts[i] {
			end(t, i, j)
			VPADDD(count, count, count)
			sum := ZMM()
			VMOVDQU32(Mem{Base: start, Disp: 64 * j}, sum)
			VPSUBD(count, sum, sum)
			VMOVDQU32(sum, Mem{Base: t.acc, Disp: 64 * j})
		}
		ADDQ(stride, t.acc)
	}
	ADDQ(Imm(uint64(4*n)), offsets)
	DECQ(t.tiles)
	JNZ(LabelRef("tile"))
	VZEROUPPER()
	RET()
}

// zeros returns a register of zeros for each 16 columns.
func (t *signTile) zeros() []VecVirtual {
	var zeros []VecVirtual
	for range t.columns {
		z := ZMM()
		VPXORD(z, z, z)
		zeros = append(zeros, z)
	}
	return zeros
}

// signGroups generates the product in steps of 4·32 bits, each word the parity of the step's words so far. Three bits that
// differ or not make a sum and a carry; the sum is a parity, so that it takes no more instructions than the bit itself
// would. One running sum stays for each output. So 4 words take 11 instructions, of which 2 count bits, instead of
// 12 with 4.
func signGroups(n int) {
	var sums [][]VecVirtual
	loops(fmt.Sprintf("dotSignGroups%dx2", n), "groups of four words",
		"In a group, word i is in truth the xor of the words 0 to i. w is [height][steps][4][32].", n, 2,
		func(t *signTile) {
			sums = nil
			for range t.n {
				sums = append(sums, t.zeros())
			}
		},
		func(t *signTile) {
			var w [2][4]VecVirtual
			for j := range w {
				for k := range w[j] {
					w[j][k] = ZMM()
					VMOVDQU32(Mem{Base: t.w, Disp: 128*k + 64*j}, w[j][k])
				}
			}
			for i := range t.n {
				var x [4]VecVirtual
				for k := range x {
					x[k] = ZMM()
					VPBROADCASTD(Mem{Base: t.rows[i], Index: t.at, Scale: 1, Disp: 4 * k}, x[k])
				}
				for j := range w {
					count, sum := t.counts[i][j], sums[i][j]
					var s [4]VecVirtual
					for k := range s {
						s[k] = ZMM()
						VPXORD(x[k], w[j][k], s[k])
					}
					VPTERNLOGD(Imm(carry), s[2], s[1], s[0])
					VPOPCNTD(s[0], s[0])
					VPADDD(s[0], count, count)
					VPTERNLOGD(Imm(carryOver), s[3], sum, s[2])
					VPXORD(s[3], sum, sum)
					VPOPCNTD(s[2], s[2])
					VPADDD(s[2], count, count)
				}
			}
			ADDQ(U32(512), t.w)
			ADDQ(Imm(16), t.at)
		},
		func(t *signTile, i, j int) {
			count, sum := t.counts[i][j], sums[i][j]
			VPADDD(count, count, count)
			VPOPCNTD(sum, sum)
			VPADDD(sum, count, count)
		})
}

// signWords generates the product in steps of 32 bits.
func signWords(n, columns int) {
	loops(fmt.Sprintf("dotSignWords%dx%d", n, columns), "words", fmt.Sprintf("w is [height][steps][%d].", 16*columns), n, columns,
		func(*signTile) {},
		func(t *signTile) {
			var w []VecVirtual
			for j := range columns {
				w = append(w, ZMM())
				VMOVDQU32(Mem{Base: t.w, Disp: 64 * j}, w[j])
			}
			for i := range t.n {
				x := ZMM()
				VPBROADCASTD(Mem{Base: t.rows[i], Index: t.at, Scale: 1}, x)
				for j := range w {
					differ := ZMM()
					VPXORD(x, w[j], differ)
					VPOPCNTD(differ, differ)
					VPADDD(differ, t.counts[i][j], t.counts[i][j])
				}
			}
			ADDQ(U32(uint32(64*columns)), t.w)
			ADDQ(Imm(4), t.at)
		},
		func(*signTile, int, int) {})
}

// pack generates the packing of signs for groups or words.
func pack(unit string) {
	TEXT("pack"+unit, NOSPLIT, "func(dst, codes *uint8, pixels, channels, bytes int, sign uint8)")
	doc := []string{"packWords packs, of each of the pixels, the bit sign of its codes, and zeros after, in so many bytes, a multiple of",
		"4 and at most 7 more than it takes. It writes up to 4 bytes after dst."}
	step := 8
	if unit == "Groups" {
		step = 16
		doc = []string{"packGroups is packWords, where bytes is a multiple of 16, and then adds to each word of 4 the words before, modulo 2.",
			"It writes nothing after dst."}
	}
	Doc(doc...)
	Pragma("noescape")
	dst, codes, pixels := Load(Param("dst"), GP64()), Load(Param("codes"), GP64()), Load(Param("pixels"), GP64())
	channels, bytes := Load(Param("channels"), GP64()), Load(Param("bytes"), GP64())
	sign, bit := Load(Param("sign"), GP32()), ZMM()
	VPBROADCASTB(sign, bit)
	left, at, all := GP64(), GP64(), GP64()
	MOVQ(U64(^uint64(0)), all)
	bits := func() GPVirtual { // those of the next 64 codes of the pixel, as far as there are
		n, none, mask, inside, set, word := GP64(), GP64(), GP64(), K(), K(), GP64()
		x := ZMM()
		MOVQ(U32(64), n)
		CMPQ(left, n)
		CMOVQLT(left, n)
		XORQ(none, none)
		CMPQ(n, none)
		CMOVQLT(none, n)
		BZHIQ(n, all, mask)
		KMOVQ(mask, inside)
		VMOVDQU8_Z(Mem{Base: codes, Index: at, Scale: 1}, inside, x)
		VPTESTMB(bit, x, set)
		KMOVQ(set, word)
		ADDQ(Imm(64), at)
		SUBQ(Imm(64), left)
		return word
	}
	Label("pixel")
	to := GP64()
	XORQ(at, at)
	XORQ(to, to)
	MOVQ(channels, left)
	Label("words")
	word := bits()
	if unit == "Groups" {
		parities(word)
		MOVQ(word, Mem{Base: dst, Index: to, Scale: 1})
		second := bits()
		parities(second)
		SHRQ(Imm(32), word) // the parity of both words, to both words of the second half
		XORQ(word, second)
		SHLQ(Imm(32), word)
		XORQ(word, second)
		MOVQ(second, Mem{Base: dst, Index: to, Scale: 1, Disp: 8})
	} else {
		MOVQ(word, Mem{Base: dst, Index: to, Scale: 1})
	}
	ADDQ(Imm(uint64(step)), to)
	CMPQ(to, bytes)
	JLT(LabelRef("words"))
	ADDQ(bytes, dst)
	ADDQ(channels, codes)
	DECQ(pixels)
	JNZ(LabelRef("pixel"))
	VZEROUPPER()
	RET()
}

// packLines generates the packing of lines of so many units, of which pack packs a line.
func packLines(name, doc, units string, pack func(bit VecVirtual, dst, codes, left Register)) {
	TEXT(name, NOSPLIT, "func(dst *uint8, pitch int, codes *uint8, codesPitch, lines, "+units+" int, sign uint8)")
	Doc(name + " packs, of lines that are pitches apart, the bit sign of codes, " + doc)
	Pragma("noescape")
	bit, lines := ZMM(), Load(Param("lines"), GP64())
	VPBROADCASTB(Load(Param("sign"), GP32()), bit)
	line, codesLine := Load(Param("dst"), GP64()), Load(Param("codes"), GP64())
	dst, codes := GP64(), GP64()
	Label("line")
	MOVQ(line, dst)
	MOVQ(codesLine, codes)
	left := Load(Param(units), GP64())
	pack(bit, dst, codes, left)
	ADDQ(Load(Param("pitch"), GP64()), line)
	ADDQ(Load(Param("codesPitch"), GP64()), codesLine)
	DECQ(lines)
	JNZ(LabelRef("line"))
	VZEROUPPER()
	RET()
}

// packWhole generates the packing of pixels that are whole words.
func packWhole() {
	packLines("packWhole", "in so many words, 32 in each.", "words", func(bit VecVirtual, dst, codes, words Register) {
		SUBQ(Imm(2), words)
		JLT(LabelRef("last"))
		Label("words")
		set := K()
		VPTESTMB(Mem{Base: codes}, bit, set)
		KMOVQ(set, Mem{Base: dst})
		ADDQ(Imm(64), codes)
		ADDQ(Imm(8), dst)
		SUBQ(Imm(2), words)
		JGE(LabelRef("words"))
		Label("last")
		ADDQ(Imm(2), words)
		JZ(LabelRef("done"))
		half := K()
		low := bit.AsY()
		VPTESTMB(Mem{Base: codes}, low, half)
		KMOVD(half, Mem{Base: dst})
		Label("done")
	})
}

// packHalves generates the packing of pixels that are half a word.
func packHalves() {
	packLines("packHalves", "16 of a pixel in a word, with zeros after, four pixels at a time.", "fours", func(bit VecVirtual, dst, codes, fours Register) {
		Label("four")
		set, halves, words := K(), GP64(), XMM()
		VPTESTMB(Mem{Base: codes}, bit, set)
		KMOVQ(set, halves)
		VMOVQ(halves, words)
		VPMOVZXWD(words, words)
		VMOVDQU32(words, Mem{Base: dst})
		ADDQ(Imm(64), codes)
		ADDQ(Imm(16), dst)
		DECQ(fours)
		JNZ(LabelRef("four"))
	})
}

// parities adds the low word to the high one, modulo 2.
func parities(word GPVirtual) {
	high := GP64()
	MOVQ(word, high)
	SHLQ(Imm(32), high)
	XORQ(high, word)
}
