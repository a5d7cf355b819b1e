// SPDX-License-Identifier: Apache-2.0

package avx512

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// A shape is a tile of sums: rows in groups, and columns in registers of 16. The rows of a group are step bytes apart,
// so that a group takes one register for its address. With taps, all rows are so, and row r + 1 at a tap of the kernel
// has the codes of row r at the next: these are loaded once for all taps.
type shape struct{ rows, group, columns, taps int }

// shapes are the largest tiles first, then those for what is left over. With one register of columns there is a load
// for every product, with two about half of one, with taps a third; a processor does two of each in a cycle.
var shapes = []shape{
	{24, 4, 1, 0}, {16, 4, 1, 3}, {8, 1, 1, 0}, {4, 1, 1, 0}, {2, 1, 1, 0}, {1, 1, 1, 0},
	{14, 2, 2, 0}, {8, 1, 2, 0}, {4, 1, 2, 0}, {2, 1, 2, 0}, {1, 1, 2, 0},
}

// A form is how weights lie in memory, and come to a register.
type form struct {
	name  string
	bits  int
	steps int      // that share a register of packed weights
	doc   []string // of w, with the columns
}

var forms = []form{
	{"Bytes", 8, 1, []string{"w is [height][steps][%d][4]."}},
	{"Nibbles", 4, 2, []string{"w is a table of 16 weights, four times, and after it [height][steps/2][%d][4] bytes: the places in the table of the",
		"weights of 2 steps, the first in the low bits."}},
	{"Pairs", 2, 4, []string{"w is a table of 4 weights, 16 times, and after it [height][steps/4][%d][4] bytes: the places",
		"in the table of the weights of 4 steps, the first in the lowest bits."}},
	{"Bits", 1, 1, []string{"w is [height][steps][%d][4] bits, 1 for the weight -1 and 0 for +1."}},
}

// dot generates the products of a form.
func (f form) dot() {
	var ones Mem
	if f.bits == 1 {
		ones = GLOBL("ones", RODATA|NOPTR)
		DATA(0, U32(0x01010101))
	}
	for _, s := range shapes {
		(&tile{shape: s, form: f, ones: ones}).dot()
	}
}

// peak generates a loop of independent products in registers.
func peak() {
	TEXT("peak", NOSPLIT, "func(rounds int)")
	Doc("peak does rounds of 24 products of 512 bits in registers, the most that a processor can do; benchmarks divide by it.")
	Pragma("noescape")
	rounds, q := Load(Param("rounds"), GP64()), ZMM()
	VPXORD(q, q, q)
	var sums []VecVirtual
	for range 24 {
		z := ZMM()
		VPXORD(z, z, z)
		sums = append(sums, z)
	}
	Label("round")
	for _, z := range sums {
		VPDPBUSD(q, q, z)
	}
	DECQ(rounds)
	JNZ(LabelRef("round"))
	VZEROUPPER()
	RET()
}

// unroll is the number of steps in one turn of the inner loop.
const unroll = 4

// A tile is the state of a dot product.
type tile struct {
	shape
	form
	ones                   Mem             // of bytes
	table                  VecVirtual      // of the forms with one
	bases                  []GPVirtual     // of groups
	step                   [4]GPVirtual    // 1 and 3 times the bytes between rows of a group
	sums                   [][]VecPhysical // [set][row·columns + column]: successive steps take turns with the sets
	w, left                GPVirtual
	tap                    GPVirtual // bytes of weights from a tap to the next
	acc, dst, other        Mem       // what changes from tile to tile
	offsets, tiles, height Mem
}

// dot is the product of a tile, which ends in accumulators or in codes.
func (t *tile) dot() {
	t.signature()
	t.w, t.left = GP64(), GP64()
	local := func(parameter string) Mem {
		m := AllocLocal(8)
		MOVQ(Load(Param(parameter), GP64()), m)
		return m
	}
	t.acc, t.dst, t.other, t.offsets, t.tiles, t.height = local("acc"), local("dst"), local("other"), local("offsets"), local("tiles"), AllocLocal(8)
	if t.group > 1 {
		t.step[1] = GP64()
		Load(Param("step"), t.step[1])
	}
	if t.group > 3 {
		t.step[3] = GP64()
		LEAQ(Mem{Base: t.step[1], Index: t.step[1], Scale: 2}, t.step[3])
	}
	if t.steps > 1 {
		t.table = ZMM()
		table := Load(Param("w"), GP64())
		VMOVDQU32(Mem{Base: table}, t.table)
	}
	Label("tile")
	t.address()
	t.begin()
	t.multiply()
	t.add()
	t.end()
	DECQ(t.tiles)
	JNZ(LabelRef("tile"))
	VZEROUPPER()
	RET()
}

// signature begins the function.
func (t *tile) signature() {
	name := fmt.Sprintf("dot%s%dx%d", t.name, t.rows, t.columns)
	TEXT(name, NOSPLIT, "func(acc *int32, dst, other *uint8, stride int, x *uint8, offsets *int32, step, tiles int, w *int8, start *int32, height, steps, skip int, table *int64, kind, zero, least, most int)")
	doc := []string{fmt.Sprintf("%s adds to start the products of 8-bit codes, %d rows at a time:", name, t.rows),
		"", "\tacc[r][c] = start[c] + Σ x[r][k]·w[k][c]", "",
		fmt.Sprintf("for tiles × %d rows and %d columns. Row r of x starts offsets[r/%d] + r%%%d·step bytes after x and has height", t.rows, 16*t.columns, t.group, t.group),
		"parts of 4·steps codes, each part skip bytes after the end of the one before. Where dst is not nil, it requantizes these",
		"sums as finishWide does, if kind is 1 as finishWideTies, and where other is not nil as finishWideCodes, with the table of",
		"these columns, and writes the codes to dst. If kind is 2 it makes them in words of 16 bits, see kernel.Short, of which start has",
		"what comes before and table the words. Rows of acc, dst and other are stride bytes apart."}
	if t.taps > 0 {
		doc = append(doc, fmt.Sprintf("Each part is %d taps of 4·steps codes, step bytes from one to the next, and all rows of a tile are step bytes apart.", t.taps))
	}
	for i, line := range t.doc {
		if i == 0 {
			line = fmt.Sprintf(line, 16*t.columns)
		}
		doc = append(doc, line)
	}
	Doc(doc...)
	Pragma("noescape")
}

// address computes where the rows of the next tile are.
func (t *tile) address() {
	x, at := Load(Param("x"), GP64()), GP64()
	MOVQ(t.offsets, at)
	for i := range t.rows / t.group {
		base := GP64()
		MOVLQSX(Mem{Base: at, Disp: 4 * i}, base)
		ADDQ(x, base)
		t.bases = append(t.bases, base)
	}
	if t.taps > 0 { // the rows after the tile's
		last, base := t.bases[len(t.bases)-1], GP64()
		LEAQ(Mem{Base: last, Index: t.step[1], Scale: 4}, base)
		t.bases = append(t.bases, base)
	}
	ADDQ(Imm(uint64(4*t.rows/t.group)), at)
	MOVQ(at, t.offsets)
}

// multiply adds the products of all parts.
func (t *tile) multiply() {
	Load(Param("w"), t.w)
	if t.steps > 1 {
		ADDQ(Imm(64), t.w)
	}
	if t.taps > 0 {
		t.tap = GP64()
		Load(Param("steps"), t.tap)
		IMUL3Q(Imm(uint64(8*t.bits)), t.tap, t.tap)
	}
	parts := Load(Param("height"), GP64())
	MOVQ(parts, t.height)

	Label("part")
	t.part()
	skip := Load(Param("skip"), GP64())
	for _, b := range t.bases {
		ADDQ(skip, b)
	}
	if t.taps > 0 { // after the last tap
		LEAQ(Mem{Base: t.w, Index: t.tap, Scale: uint8(t.taps - 1)}, t.w)
	}
	DECQ(t.height)
	JNZ(LabelRef("part"))
}

// part adds the products of a part.
func (t *tile) part() {
	Load(Param("steps"), t.left)
	if t.steps == unroll { // so many share a register: none are left over
		Label("steps")
		t.products(unroll)
		SUBQ(Imm(unroll), t.left)
		JNZ(LabelRef("steps"))
		return
	}
	SUBQ(Imm(unroll), t.left)
	JLT(LabelRef("few"))
	Label("steps")
	t.products(unroll)
	SUBQ(Imm(unroll), t.left)
	JGE(LabelRef("steps"))
	Label("few")
	ADDQ(Imm(unroll), t.left)
	JZ(LabelRef("next"))
	Label("step")
	t.products(t.steps)
	SUBQ(Imm(uint64(t.steps)), t.left)
	JNZ(LabelRef("step"))
	Label("next")
}

// begin sets the sums, which are where the ends want them, to the start. Small tiles have several sets of sums, so that no product waits for the one before.
func (t *tile) begin() {
	const enough = 12 // sums under way
	start := Load(Param("start"), GP64())
	for set := 0; set == 0 || set < unroll && set*t.rows*t.columns < enough; set++ {
		sums := tileSums(t.rows, t.columns)
		if set > 0 { // the registers below are free
			sums = vectors[(set-1)*len(sums):][:len(sums)]
		}
		for i, z := range sums {
			if set == 0 {
				VMOVDQU32(Mem{Base: start, Disp: 64 * (i % t.columns)}, z)
			} else {
				VPXORD(z, z, z)
			}
		}
		t.sums = append(t.sums, sums)
	}
}

// add adds all sums to those of the first set.
func (t *tile) add() {
	for _, set := range t.sums[1:] {
		for i, z := range set {
			VPADDD(z, t.sums[0][i], t.sums[0][i])
		}
	}
}

// products adds the products of successive steps.
func (t *tile) products(steps int) {
	for k := range steps {
		var w []VecVirtual // of columns, or of taps
		for c := range max(t.columns, t.taps) {
			w = append(w, t.weights(k, c))
		}
		sums := t.sums[k%len(t.sums)]
		for r := range t.rows + max(1, t.taps) - 1 {
			q := ZMM()
			VPBROADCASTD(t.row(r, 4*k), q)
			for c, w := range w {
				switch {
				case t.taps == 0:
					VPDPBUSD(w, q, sums[r*t.columns+c])
				case r >= c && r-c < t.rows:
					VPDPBUSD(w, q, sums[r-c])
				}
			}
		}
	}
	for _, b := range t.bases {
		ADDQ(Imm(uint64(4*steps)), b)
	}
	ADDQ(U32(8*t.bits*steps*t.columns), t.w)
}

// weights brings those of a step and a column, or a tap, to a register.
func (t *tile) weights(step, column int) VecVirtual {
	w := ZMM()
	from := Mem{Base: t.w, Disp: 64 * (step/t.steps*t.columns + column)}
	if t.taps > 0 {
		from.Disp = 64 * (step / t.steps)
		if column > 0 {
			from.Index, from.Scale = t.tap, uint8(column)
		}
	}
	switch {
	case t.bits == 8:
		VMOVDQU32(from, w)
		return w
	case t.bits == 1:
		negative := K()
		from.Disp /= 8
		KMOVQ(from, negative)
		VPMOVM2B(negative, w)
		VPORD_BCST(t.ones, w, w)
		return w
	}
	if place := step % t.steps * t.bits; place > 0 {
		VPSRLD(Imm(uint64(place)), from, w)
	} else {
		VMOVDQU32(from, w)
	}
	VPERMB(t.table, w, w) // by 6 bits: the table repeats itself for all that is not of the place
	return w
}

// row returns the place of a row, at a displacement.
func (t *tile) row(r, disp int) Mem {
	m := Mem{Base: t.bases[r/t.group], Disp: disp}
	switch r % t.group {
	case 1:
		m.Index, m.Scale = t.step[1], 1
	case 2:
		m.Index, m.Scale = t.step[1], 2
	case 3:
		m.Index, m.Scale = t.step[3], 1
	}
	return m
}
