// SPDX-License-Identifier: Apache-2.0

// Command vnni generates the AVX-512 VNNI dot products of the integer runtime.
package main

import (
	"fmt"
	"strings"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// A shape is a tile of sums: rows in groups, and columns in registers of 16. The rows of a group are step bytes apart,
// so that a group takes one register for its address.
type shape struct{ rows, group, columns int }

// shapes are the largest tiles first, then those for what is left over. With one register of columns there is a load
// for every product, with two about half of one; a processor does two of each in a cycle.
var shapes = []shape{{24, 4, 1}, {8, 1, 1}, {4, 1, 1}, {2, 1, 1}, {1, 1, 1}, {14, 2, 2}, {12, 4, 2}, {8, 1, 2}, {4, 1, 2}, {2, 1, 2}, {1, 1, 2}}

// A form is how weights lie in memory, and come to a register.
type form struct {
	name  string
	bits  int
	steps int      // that share a register of packed weights
	doc   []string // of w, with the columns
}

var forms = []form{
	{"", 8, 1, []string{"w is [height][steps][%d][4]."}},
	{"Nibbles", 4, 2, []string{"w is a table of 16 weights, four times, and behind it [height][steps/2][%d][4] bytes: the places in the table of the",
		"weights of 2 steps, the first in the low bits."}},
	{"Pairs", 2, 4, []string{"w is a table of 4 weights in 64 bytes, every 16 bytes again, and behind it [height][steps/4][%d][4] bytes: the places",
		"in the table of the weights of 4 steps, the first in the lowest bits."}},
	{"Bits", 1, 1, []string{"w is [height][steps][%d][4] bits, 1 for the weight -1 and 0 for +1."}},
}

func main() {
	ConstraintExpr("!purego")
	ones := constant("ones", 0x01010101)
	for _, f := range forms {
		mask := ones
		if f.steps > 1 {
			mask = constant(f.name+"Mask", 0x01010101*(1<<f.bits-1))
		}
		for _, s := range shapes {
			dot(s, f, mask, nil)
		}
	}
	peak()
	order := GLOBL("vnniTransposition", RODATA|NOPTR) // of the 4 × 4 dwords of a register
	for i := range 16 {
		DATA(4*i, U32(uint32(i%4*4+i/4)))
	}
	for _, s := range shapes {
		dot(s, forms[0], ones, &order)
	}
	Generate()
}

// peak generates a loop of independent products in registers.
func peak() {
	TEXT("peakVNNI", NOSPLIT, "func(rounds int)")
	Doc("peakVNNI does rounds of 24 products of 512 bits in registers, the most that a processor can do; benchmarks divide by it.")
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

// constant is a word in memory.
func constant(name string, value uint32) Mem {
	m := GLOBL("vnni"+name, RODATA|NOPTR)
	DATA(0, U32(value))
	return m
}

// unroll is the number of steps in one turn of the inner loop.
const unroll = 4

// A tile is the state of a dot product.
type tile struct {
	shape
	form
	mask    Mem
	table   VecVirtual     // of the forms with one
	bases   []GPVirtual    // of groups
	step    [4]GPVirtual   // 1 and 3 times the bytes between rows of a group
	sums    [][]VecVirtual // [set][row·columns + column]: successive steps take turns with the sets
	w, left GPVirtual
}

// dot is the product of a tile; with an order for the transposition it ends in codes.
func dot(s shape, f form, mask Mem, order *Mem) {
	name := fmt.Sprintf("dotVNNI%s%dx%d", f.name, s.rows, s.columns)
	signature := "(acc *int32, stride int, x *uint8, offsets *int32, step, tiles int, w *int8, start *int32, height, steps, skip int"
	if order != nil {
		name = fmt.Sprintf("dotVNNICodes%dx%d", s.rows, s.columns)
		signature = strings.Replace(signature, "acc *int32", "dst *uint8", 1) + ", table *int64, zero, least, most int"
	}
	TEXT(name, NOSPLIT, "func"+signature+")")
	doc := []string{fmt.Sprintf("%s adds to start the products of 8-bit codes, %d rows at a time:", name, s.rows),
		"", "\tacc[r][c] = start[c] + Σ x[r][k]·w[k][c]", "",
		fmt.Sprintf("for tiles × %d rows and %d columns. Row r of x starts offsets[r/%d] + r%%%d·step bytes behind x and has height", s.rows, 16*s.columns, s.group, s.group),
		"parts of 4·steps codes, each part skip bytes behind the end of the one before. Rows of acc are stride bytes apart."}
	for i, line := range f.doc {
		if i == 0 {
			line = fmt.Sprintf(line, 16*s.columns)
		}
		doc = append(doc, line)
	}
	if order != nil {
		doc = []string{fmt.Sprintf("%s is dotVNNI%dx%d that requantizes its sums as finishVNNIWide does, with the table of these columns.", name, s.rows, s.columns)}
	}
	Doc(doc...)
	Pragma("noescape")
	t := &tile{shape: s, form: f, mask: mask, w: GP64(), left: GP64()}
	acc, offsets := GP64(), GP64()
	accAt, offsetsAt, tiles, height := AllocLocal(8), AllocLocal(8), AllocLocal(8), AllocLocal(8)
	if order != nil {
		Load(Param("dst"), acc)
	} else {
		Load(Param("acc"), acc)
	}
	MOVQ(acc, accAt)
	Load(Param("offsets"), offsets)
	MOVQ(offsets, offsetsAt)
	n := Load(Param("tiles"), GP64())
	MOVQ(n, tiles)
	if s.group > 1 {
		t.step[1] = GP64()
		Load(Param("step"), t.step[1])
	}
	if s.group > 3 {
		t.step[3] = GP64()
		LEAQ(Mem{Base: t.step[1], Index: t.step[1], Scale: 2}, t.step[3])
	}

	if f.steps > 1 {
		t.table = ZMM()
		table := Load(Param("w"), GP64())
		VMOVDQU32(Mem{Base: table}, t.table)
	}
	Label("tile")
	x, at := Load(Param("x"), GP64()), GP64()
	MOVQ(offsetsAt, at)
	for i := range s.rows / s.group {
		base := GP64()
		MOVLQSX(Mem{Base: at, Disp: 4 * i}, base)
		ADDQ(x, base)
		t.bases = append(t.bases, base)
	}
	ADDQ(Imm(uint64(4*s.rows/s.group)), at)
	MOVQ(at, offsetsAt)
	t.begin()
	Load(Param("w"), t.w)
	if f.steps > 1 {
		ADDQ(Imm(64), t.w)
	}
	parts := Load(Param("height"), GP64())
	MOVQ(parts, height)

	Label("part")
	Load(Param("steps"), t.left)
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
	t.products(f.steps)
	SUBQ(Imm(uint64(f.steps)), t.left)
	JNZ(LabelRef("step"))
	Label("next")
	skip := Load(Param("skip"), GP64())
	for _, b := range t.bases {
		ADDQ(skip, b)
	}
	DECQ(height)
	JNZ(LabelRef("part"))

	t.end()
	to, stride := GP64(), Load(Param("stride"), GP64())
	MOVQ(accAt, to)
	if order != nil {
		t.codes(to, stride, *order)
	} else {
		t.store(to, stride)
	}
	MOVQ(to, accAt)
	DECQ(tiles)
	JNZ(LabelRef("tile"))
	VZEROUPPER()
	RET()
}

// begin sets the sums to the start. Small tiles have several sets of sums, so that no product waits for the one before.
func (t *tile) begin() {
	const enough = 12 // sums under way
	start := Load(Param("start"), GP64())
	for set := 0; set == 0 || set < unroll && set*t.rows*t.columns < enough; set++ {
		t.sums = append(t.sums, nil)
		for i := range t.rows * t.columns {
			z := ZMM()
			if set == 0 {
				VMOVDQU32(Mem{Base: start, Disp: 64 * (i % t.columns)}, z)
			} else {
				VPXORD(z, z, z)
			}
			t.sums[set] = append(t.sums[set], z)
		}
	}
}

// end adds all sums to those of the first set.
func (t *tile) end() {
	for _, set := range t.sums[1:] {
		for i, z := range set {
			VPADDD(z, t.sums[0][i], t.sums[0][i])
		}
	}
}

// store writes the sums.
func (t *tile) store(to, stride Register) {
	for r := range t.rows {
		for c := range t.columns {
			VMOVDQU32(t.sums[0][r*t.columns+c], Mem{Base: to, Disp: 64 * c})
		}
		ADDQ(stride, to)
	}
}

// codes requantizes the sums and writes them, four vectors at a time: of rows one below the other, or of two columns.
func (t *tile) codes(to, stride Register, order Mem) {
	odd, bits, table := K(), GP64(), Load(Param("table"), GP64())
	MOVQ(U32(0x5555), bits)
	KMOVW(bits.As32(), odd)
	constant := func(column, i int) Mem { return Mem{Base: table, Disp: 256*column + 64*i} }
	var multipliers []VecVirtual // of odd channels
	for c := range t.columns {
		m := ZMM()
		VPSRLQ(Imm(32), constant(c, 3), m)
		multipliers = append(multipliers, m)
	}
	var zero, least, most, index VecVirtual
	sums := t.sums[0]
	for first := 0; first < len(sums); first += 4 {
		group := sums[first:min(first+4, len(sums))]
		for i, sum := range group {
			c := (first + i) % t.columns
			high := ZMM()
			VPSRLQ(Imm(32), sum, high)
			VPMULDQ(constant(c, 3), sum, sum)
			VPADDQ(constant(c, 0), sum, sum)
			VPMULDQ(multipliers[c], high, high)
			VPADDQ(constant(c, 1), high, high)
			VPSHUFD(Imm(0xf5), sum, odd, high) // the high halves of all
			VPSRAVD(constant(c, 2), high, sum)
		}
		last := len(group) - 1
		VPACKSSDW(group[min(1, last)], group[0], group[0])
		if first == 0 { // registers are free only now
			zero = t.broadcast("zero", func(x, z Op) { VPBROADCASTW(x, z) })
		}
		VPADDSW(zero, group[0], group[0])
		second := group[0]
		if last > 1 {
			second = group[2]
			VPACKSSDW(group[last], second, second)
			VPADDSW(zero, second, second)
		}
		VPACKUSWB(second, group[0], group[0])
		if first == 0 {
			least = t.broadcast("least", func(x, z Op) { VPBROADCASTB(x, z) })
			most = t.broadcast("most", func(x, z Op) { VPBROADCASTB(x, z) })
			index = ZMM()
			VMOVDQU32(order, index)
		}
		codes := group[0]
		VPMAXUB(least, codes, codes)
		VPMINUB(most, codes, codes)
		VPERMD(codes, index, codes)
		for i := 0; i <= last; i += t.columns {
			switch {
			case i == 0 && t.columns == 2:
				low := codes.AsY()
				VMOVDQU32(low, Mem{Base: to})
			case i == 0:
				low := codes.AsX()
				VMOVDQU32(low, Mem{Base: to})
			case t.columns == 2:
				VEXTRACTI64X4(Imm(1), codes, Mem{Base: to})
			default:
				VEXTRACTI32X4(Imm(uint64(i)), codes, Mem{Base: to})
			}
			ADDQ(stride, to)
		}
	}
}

// broadcast loads a parameter to all lanes.
func (t *tile) broadcast(name string, broadcast func(x, z Op)) VecVirtual {
	z, value := ZMM(), Load(Param(name), GP64())
	low := z.AsX()
	VMOVQ(value, low)
	broadcast(low, z)
	return z
}

// products adds the products of successive steps.
func (t *tile) products(steps int) {
	for k := range steps {
		var w []VecVirtual
		for c := range t.columns {
			w = append(w, t.weights(k, c))
		}
		sums := t.sums[k%len(t.sums)]
		for r := range t.rows {
			q := ZMM()
			VPBROADCASTD(t.row(r, 4*k), q)
			for c := range t.columns {
				VPDPBUSD(w[c], q, sums[r*t.columns+c])
			}
		}
	}
	for _, b := range t.bases {
		ADDQ(Imm(uint64(4*steps)), b)
	}
	ADDQ(U32(8*t.bits*steps*t.columns), t.w)
}

// weights brings those of a step and a column to a register.
func (t *tile) weights(step, column int) VecVirtual {
	w := ZMM()
	from := Mem{Base: t.w, Disp: 64 * (step/t.steps*t.columns + column)}
	switch {
	case t.bits == 8:
		VMOVDQU32(from, w)
		return w
	case t.bits == 1:
		negative := K()
		from.Disp /= 8
		KMOVQ(from, negative)
		VPMOVM2B(negative, w)
		VPORD_BCST(t.mask, w, w)
		return w
	}
	if place := step % t.steps * t.bits; place > 0 {
		VPSRLD(Imm(uint64(place)), from, w)
	} else {
		VMOVDQU32(from, w)
	}
	VPANDD_BCST(t.mask, w, w)
	VPSHUFB(w, t.table, w)
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
