// SPDX-License-Identifier: Apache-2.0

// Command vnni generates the AVX-512 VNNI dot products of the integer runtime.
package main

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
	{"", 8, 1, []string{"w is [height][steps][%d][4]."}},
	{"Nibbles", 4, 2, []string{"w is a table of 16 weights, four times, and behind it [height][steps/2][%d][4] bytes: the places in the table of the",
		"weights of 2 steps, the first in the low bits."}},
	{"Pairs", 2, 4, []string{"w is a table of 4 weights, 16 times, and behind it [height][steps/4][%d][4] bytes: the places",
		"in the table of the weights of 4 steps, the first in the lowest bits."}},
	{"Bits", 1, 1, []string{"w is [height][steps][%d][4] bits, 1 for the weight -1 and 0 for +1."}},
}

func main() {
	ConstraintExpr("!purego")
	order := GLOBL("vnniTransposition", RODATA|NOPTR) // of the 4 × 4 dwords of a register
	for i := range 16 {
		DATA(4*i, U32(uint32(i%4*4+i/4)))
	}
	ones := GLOBL("vnniOnes", RODATA|NOPTR)
	DATA(0, U32(0x01010101))
	for _, f := range forms {
		for _, s := range shapes {
			dot(s, f, ones, order)
		}
	}
	peak()
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

// unroll is the number of steps in one turn of the inner loop.
const unroll = 4

// A tile is the state of a dot product.
type tile struct {
	shape
	form
	ones    Mem            // of bytes
	table   VecVirtual     // of the forms with one
	bases   []GPVirtual    // of groups
	step    [4]GPVirtual   // 1 and 3 times the bytes between rows of a group
	sums    [][]VecVirtual // [set][row·columns + column]: successive steps take turns with the sets
	w, left GPVirtual
	tap     GPVirtual // bytes of weights from a tap to the next
}

// dot is the product of a tile, which ends in accumulators or in codes.
func dot(s shape, f form, ones, order Mem) {
	name := fmt.Sprintf("dotVNNI%s%dx%d", f.name, s.rows, s.columns)
	TEXT(name, NOSPLIT, "func(acc *int32, dst, other *uint8, stride int, x *uint8, offsets *int32, step, tiles int, w *int8, start *int32, height, steps, skip int, table *int64, ties bool, zero, least, most int)")
	doc := []string{fmt.Sprintf("%s adds to start the products of 8-bit codes, %d rows at a time:", name, s.rows),
		"", "\tacc[r][c] = start[c] + Σ x[r][k]·w[k][c]", "",
		fmt.Sprintf("for tiles × %d rows and %d columns. Row r of x starts offsets[r/%d] + r%%%d·step bytes behind x and has height", s.rows, 16*s.columns, s.group, s.group),
		"parts of 4·steps codes, each part skip bytes behind the end of the one before. Where dst is not nil, it requantizes these",
		"sums as finishVNNIWide does, with ties as finishVNNIWideTies, and where other is not nil as finishVNNIWideCodes, with the",
		"table of these columns, and writes the codes to dst. Rows of acc, dst and other are stride bytes apart."}
	if s.taps > 0 {
		doc = append(doc, fmt.Sprintf("Each part is %d taps of 4·steps codes, step bytes from one to the next, and all rows of a tile are step bytes apart.", s.taps))
	}
	for i, line := range f.doc {
		if i == 0 {
			line = fmt.Sprintf(line, 16*s.columns)
		}
		doc = append(doc, line)
	}
	Doc(doc...)
	Pragma("noescape")
	t := &tile{shape: s, form: f, ones: ones, w: GP64(), left: GP64()}
	local := func(parameter string) Mem { // a copy that changes from tile to tile
		m := AllocLocal(8)
		MOVQ(Load(Param(parameter), GP64()), m)
		return m
	}
	acc, dst, other, offsets, tiles, height := local("acc"), local("dst"), local("other"), local("offsets"), local("tiles"), AllocLocal(8)
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
	MOVQ(offsets, at)
	for i := range s.rows / s.group {
		base := GP64()
		MOVLQSX(Mem{Base: at, Disp: 4 * i}, base)
		ADDQ(x, base)
		t.bases = append(t.bases, base)
	}
	if s.taps > 0 { // the rows behind the tile's
		last, base := t.bases[len(t.bases)-1], GP64()
		LEAQ(Mem{Base: last, Index: t.step[1], Scale: 4}, base)
		t.bases = append(t.bases, base)
	}
	ADDQ(Imm(uint64(4*s.rows/s.group)), at)
	MOVQ(at, offsets)
	t.begin()
	Load(Param("w"), t.w)
	if f.steps > 1 {
		ADDQ(Imm(64), t.w)
	}
	if s.taps > 0 {
		t.tap = GP64()
		Load(Param("steps"), t.tap)
		IMUL3Q(Imm(uint64(8*f.bits)), t.tap, t.tap)
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
	if s.taps > 0 { // behind the last tap
		LEAQ(Mem{Base: t.w, Index: t.tap, Scale: uint8(s.taps - 1)}, t.w)
	}
	DECQ(height)
	JNZ(LabelRef("part"))

	t.add()
	to, stride := GP64(), Load(Param("stride"), GP64())
	MOVQ(dst, to)
	TESTQ(to, to)
	JNZ(LabelRef("codes"))
	MOVQ(acc, to)
	t.store(to, stride)
	MOVQ(to, acc)
	JMP(LabelRef("done"))
	Label("codes")
	residual := GP64()
	MOVQ(other, residual)
	TESTQ(residual, residual)
	JNZ(LabelRef("residual"))
	ties := Load(Param("ties"), GP8())
	TESTB(ties, ties)
	JNZ(LabelRef("ties"))
	t.codes(oneTerm, to, stride, nil, order)
	MOVQ(to, dst)
	JMP(LabelRef("done"))
	Label("ties")
	t.codes(oneWithTies, to, stride, nil, order)
	MOVQ(to, dst)
	JMP(LabelRef("done"))
	Label("residual")
	t.codes(withCodes, to, stride, residual, order)
	MOVQ(to, dst)
	MOVQ(residual, other)
	Label("done")
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

// add adds all sums to those of the first set.
func (t *tile) add() {
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

// codes requantizes the sums, with the codes of a residual if there is one, and writes them, four vectors at a time: of
// rows one below the other, or of two columns.
func (t *tile) codes(block block, to, stride, residual Register, order Mem) {
	e := newEnd(block, t.columns, 31-len(t.sums[0])) // one of the 32 is for the table of packed weights
	var zero, least, most, index VecVirtual
	sums := t.sums[0]
	for first := 0; first < len(sums); first += 4 {
		group := sums[first:min(first+4, len(sums))]
		for i, sum := range group {
			c := (first + i) % t.columns
			odd := e.scale(sum, c)
			if residual != nil {
				e.addCodes(sum, odd, Mem{Base: residual, Disp: 16 * c}, c)
				if c == t.columns-1 {
					ADDQ(stride, residual)
				}
			}
			if block.unit > 0 {
				e.untie(sum, odd, c, fmt.Sprintf("untied%dof%d", first+i, block.vectors))
			}
			e.round(sum, odd, c)
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

// A block is where the vectors of 16 channels are in a table of vnniFinish: those of even and of odd channels, one behind
// the other, of the constant, of the bits below the unit and of the unit; the others are of all.
type block struct{ constant, shift, below, unit, sum, code, power, vectors int }

// The blocks of sums of one term, with and without ties, and of one term and codes.
var (
	oneTerm     = block{constant: 0, shift: 2, sum: 3, vectors: 4}
	oneWithTies = block{constant: 0, shift: 2, below: 3, unit: 5, sum: 7, vectors: 8}
	withCodes   = block{constant: 0, shift: 2, below: 3, unit: 5, sum: 7, code: 8, power: 9, vectors: 10}
)

// An end requantizes sums by a table of blocks.
type end struct {
	block
	table Register
	even  Register           // mask of the dwords of even channels
	odd   map[Mem]VecVirtual // multipliers of odd channels in registers, where there are enough of these
}

// newEnd is the end of so many columns, with registers that no sums take.
func newEnd(b block, columns, registers int) *end {
	even, bits := K(), GP64()
	MOVQ(U32(0x5555), bits)
	KMOVW(bits.As32(), even)
	e := &end{block: b, table: Load(Param("table"), GP64()), even: even, odd: map[Mem]VecVirtual{}}
	multipliers, most := []int{b.sum}, 1 // and the most registers that a sum takes on its way
	switch {
	case b.code > 0:
		multipliers, most = append(multipliers, b.code), 3
	case b.unit > 0:
		most = 2
	}
	if columns*len(multipliers)+most > registers {
		return e
	}
	for c := range columns {
		for _, m := range multipliers {
			m := e.of(c, m)
			e.odd[m] = e.high(m)
		}
	}
	return e
}

// of is vector i of a column's block.
func (e *end) of(column, i int) Mem {
	return Mem{Base: e.table, Disp: 64 * (e.vectors*column + i)}
}

// high takes the odd dwords to the place of the even ones.
func (e *end) high(x Op) VecVirtual {
	z := ZMM()
	VPSRLQ(Imm(32), x, z)
	return z
}

// oddly multiplies by the multipliers of odd channels.
func (e *end) oddly(x VecVirtual, by Mem) {
	m, ok := e.odd[by]
	if !ok {
		m = e.high(by)
	}
	VPMULDQ(m, x, x)
}

// scale multiplies sums and adds the constant.
func (e *end) scale(sum VecVirtual, c int) (odd VecVirtual) {
	by := e.of(c, e.sum)
	odd = e.high(sum)
	VPMULDQ(by, sum, sum)
	VPADDQ(e.of(c, e.constant), sum, sum)
	e.oddly(odd, by)
	VPADDQ(e.of(c, e.constant+1), odd, odd)
	return odd
}

// addCodes adds the codes of a residual to scaled sums.
func (e *end) addCodes(sum, odd VecVirtual, codes Mem, c int) {
	x, product, by := ZMM(), ZMM(), e.of(c, e.code)
	VPMOVZXBD(codes, x)
	VPSLLVD(e.of(c, e.power), x, x)
	VPMULDQ(by, x, product)
	VPADDQ(product, sum, sum)
	VPSRLQ(Imm(32), x, x)
	e.oddly(x, by)
	VPADDQ(x, odd, odd)
}

// untie sends ties down where up is odd. Nothing is below the unit of a tie then, which rarely is so even of the lowest
// 32 bits.
func (e *end) untie(sum, odd VecVirtual, c int, label string) {
	ties := [2]Register{K(), K()}
	for parity, z := range []VecVirtual{sum, odd} {
		VPTESTNMD(z, z, e.even, ties[parity])
	}
	KORTESTW(ties[0], ties[1])
	JZ(LabelRef(label))
	for parity, z := range []VecVirtual{sum, odd} {
		unit := ZMM()
		VPTESTNMQ(e.of(c, e.below+parity), z, ties[parity])
		VMOVDQU64(e.of(c, e.unit+parity), unit)
		VPANDNQ(z, unit, ties[parity], z)
	}
	Label(label)
}

// round takes the high halves of sums of even and of odd channels, shifted by what is left, to sum.
func (e *end) round(sum, odd VecVirtual, c int) {
	VPSHUFD(Imm(0xf5), sum, e.even, odd)
	VPSRAVD(e.of(c, e.shift), odd, sum)
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
