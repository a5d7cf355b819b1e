// SPDX-License-Identifier: Apache-2.0

package avx512

import (
	"fmt"
	"slices"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// The ends of dot products are functions of their own, one for all forms of weights and, for 1 and for 2 registers of
// columns, one for all numbers of rows. A product calls them with registers, not by the stack:
//
//	the sums of its tile in the last of the registers Z0 to Z23, or Z27 with 2 columns, row by row
//	AX dst or acc, BX the bytes between rows, CX other, DX table, SI zero, DI least, R8 most, R9 the rows
//
// They return AX and CX after the rows. They keep Z31, where a form has its table of weights, and the general registers
// but those and R10.

// A kind is what an end does with the sums.
type kind struct {
	name, doc string
	block     block
}

var kinds = []kind{
	{"", "requantizes them as finishWide does", oneTerm},
	{"Ties", "requantizes them as finishWideTies does", oneWithTies},
	{"Codes", "requantizes them, with the codes of other, as finishWideCodes does", withCodes},
	{"Short", "makes codes of them by words of 16 bits, see kernel.Short", block{}},
}

// tileRegisters are the registers of the largest tiles, by columns.
var tileRegisters = [3]int{1: 24, 2: 28}

var vectors = [...]VecPhysical{
	Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z7, Z8, Z9, Z10, Z11, Z12, Z13, Z14, Z15, Z16, Z17, Z18, Z19, Z20, Z21, Z22, Z23, Z24, Z25, Z26, Z27, Z28, Z29, Z30,
}

// tileSums are the registers of the sums of a tile.
func tileSums(rows, columns int) []VecPhysical {
	end := tileRegisters[columns]
	return vectors[end-rows*columns : end]
}

// endName is the name of an end: of the largest tile, which is also that of smaller ones.
func endName(name string, columns int) string {
	return fmt.Sprintf("%s%dx%d", name, tileRegisters[columns]/columns, columns)
}

// call calls an end with what it reads of the general registers, and the sums.
func (t *tile) call(name string, inputs ...Op) {
	MOVQ(U32(uint32(t.rows)), R9)
	called := &ir.Instruction{Opcode: "CALL", Operands: []Op{LabelRef("·" + endName(name, t.columns) + "(SB)")}}
	called.Inputs = append(inputs, RAX, RBX, R9)
	for _, sum := range t.sums[0] {
		called.Inputs = append(called.Inputs, sum)
	}
	called.Outputs = []Op{RAX, RBX, RCX, RDX, RSI, RDI, R8, R9, R10, K1, K2, K3}
	for _, z := range vectors {
		called.Outputs = append(called.Outputs, z)
	}
	Instruction(called)
}

// end stores the sums or requantizes them.
func (t *tile) end() {
	Load(Param("stride"), RBX)
	MOVQ(t.dst, RAX)
	TESTQ(RAX, RAX)
	JNZ(LabelRef("codes"))
	MOVQ(t.acc, RAX)
	t.call("storeSums")
	MOVQ(RAX, t.acc)
	JMP(LabelRef("done"))
	Label("codes")
	for _, p := range []struct {
		name string
		to   Register
	}{{"table", RDX}, {"zero", RSI}, {"least", RDI}, {"most", R8}} {
		Load(Param(p.name), p.to)
	}
	MOVQ(t.other, RCX)
	TESTQ(RCX, RCX)
	JNZ(LabelRef("residual"))
	look("kind", 1) // and nothing changes the flags before both jumps
	JEQ(LabelRef("ties"))
	JGT(LabelRef("short"))
	t.call("finishSums", RDX, RSI, RDI, R8)
	MOVQ(RAX, t.dst)
	JMP(LabelRef("done"))
	Label("short")
	t.call("finishSumsShort", RDX, R8)
	MOVQ(RAX, t.dst)
	JMP(LabelRef("done"))
	Label("ties")
	t.call("finishSumsTies", RDX, RSI, RDI, R8)
	MOVQ(RAX, t.dst)
	JMP(LabelRef("done"))
	Label("residual")
	t.call("finishSumsCodes", RCX, RDX, RSI, RDI, R8)
	MOVQ(RAX, t.dst)
	MOVQ(RCX, t.other)
	Label("done")
}

// dotEnds generates the ends.
func dotEnds() {
	order := transposition()
	for columns := 1; columns <= 2; columns++ {
		storeSums(columns)
		for _, k := range kinds {
			k.finish(columns, order)
		}
	}
}

// begin begins an end.
func beginEnd(name, doc string, columns int) {
	name = endName(name, columns)
	TEXT(name, NOSPLIT, "func()")
	Doc(name+" is an end of dot products of "+fmt.Sprint(columns)+" registers of columns: it has their sums in registers and "+doc+".",
		"It is called by these products alone.")
}

// ret ends an end, which has kept what is live in its callers.
func ret() {
	kept := []Op{Z31, R11, R12, R13, R14, R15, RBP}
	Instruction(&ir.Instruction{Opcode: "RET", IsTerminal: true, Inputs: append(kept, RAX, RCX)})
}

// storeSums generates the end that stores sums.
func storeSums(columns int) {
	beginEnd("storeSums", "stores them", columns)
	tiles := rowsOf(columns)
	for i, rows := range tiles {
		if i < len(tiles)-1 {
			CMPQ(R9, Imm(uint64(rows)))
			JEQ(LabelRef(fmt.Sprint("rows", rows)))
		} else {
			JMP(LabelRef(fmt.Sprint("rows", rows)))
		}
	}
	for rows := tiles[0]; rows > 0; rows-- {
		if slices.Contains(tiles, rows) {
			Label(fmt.Sprint("rows", rows))
		}
		for c, sum := range tileSums(rows, columns)[:columns] {
			VMOVDQU32(sum, Mem{Base: RAX, Disp: 64 * c})
		}
		ADDQ(RBX, RAX)
	}
	ret()
}

// rowsOf returns the rows of tiles, from the most on.
func rowsOf(columns int) (rows []int) {
	for _, s := range shapes {
		if s.columns == columns {
			rows = append(rows, s.rows)
		}
	}
	return rows
}

// finish generates an end that writes codes, four vectors at a time: of rows one below the other, or of two columns. The
// largest tile leaves no registers for limits before its first four vectors are done; smaller tiles begin where as many
// of its rows are left.
func (k kind) finish(columns int, order Mem) {
	beginEnd("finishSums"+k.name, k.doc, columns)
	all := tileSums(tileRegisters[columns]/columns, columns)
	e := newEnd(k.block, columns, 31-len(all)) // one of the 32 is for the table of packed weights
	rows := rowsOf(columns)
	CMPQ(R9, Imm(uint64(rows[0])))
	JEQ(LabelRef("whole"))
	e.limit(order)
	for _, r := range rows[1 : len(rows)-1] {
		CMPQ(R9, Imm(uint64(r)))
		JEQ(LabelRef(fmt.Sprint("rows", r)))
	}
	e.group(len(all)-columns, tileSums(1, columns), nil)
	ret()
	if columns == 1 {
		Label("rows2")
		e.group(len(all)-2, tileSums(2, columns), nil)
		ret()
	}
	Label("whole")
	for first := 0; first < len(all); first += 4 {
		left := (len(all) - first) / columns
		if first > 0 && slices.Contains(rows, left) {
			Label(fmt.Sprint("rows", left))
		}
		if first == 0 {
			e.group(first, all[:4], order)
		} else {
			e.group(first, all[first:first+4], nil)
		}
	}
	ret()
}

// A block is where the vectors of 16 channels are in a table of finisher: those of even and of odd channels, one after
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
	columns int
	even    Register           // mask of the dwords of even channels
	odd     map[Mem]VecVirtual // multipliers of odd channels in registers, where there are enough of these
	limits  limits
	index   Register
}

// newEnd is the end of so many columns, with registers that no sums take.
func newEnd(b block, columns, registers int) *end {
	e := &end{block: b, columns: columns, odd: map[Mem]VecVirtual{}, limits: limits{Z1, Z2, Z3}, index: Z28}
	if e.short() {
		return e
	}
	e.even = evenLanes()
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
			e.odd[m] = odd(m, ZMM())
		}
	}
	return e
}

// short says whether the end is one in words, without a block of the table.
func (e *end) short() bool { return e.vectors == 0 }

// limit loads the limits.
func (e *end) limit(order Mem) {
	e.zero()
	e.bounds(order)
}

func (e *end) zero() {
	if e.short() {
		return
	}
	VMOVQ(RSI, X1)
	VPBROADCASTW(X1, e.limits.zero)
}

func (e *end) bounds(order Mem) {
	if !e.short() {
		VMOVQ(RDI, X2)
		VPBROADCASTB(X2, e.limits.least)
	}
	VMOVQ(R8, X3)
	VPBROADCASTB(X3, e.limits.most)
	VMOVDQU32(order, e.index)
}

// group writes the codes of up to four vectors, the first of which is that many of the largest tile. With an order, it
// loads the limits when registers get free.
func (e *end) group(first int, sums []VecPhysical, order Op) {
	if e.short() {
		e.words(sums, order)
		return
	}
	for i, sum := range sums {
		c := (first + i) % e.columns
		high := e.scale(sum, c)
		if e.code > 0 {
			e.addCodes(sum, high, Mem{Base: RCX, Disp: 16 * c}, c)
			if c == e.columns-1 {
				ADDQ(RBX, RCX)
			}
		}
		if e.unit > 0 {
			e.untie(sum, high, c, fmt.Sprintf("untied%dof%d", first+i, len(sums)))
		}
		round(sum, high, e.even, e.of(c, e.shift), sum)
	}
	last := len(sums) - 1
	VPACKSSDW(sums[min(1, last)], sums[0], sums[0])
	if order != nil {
		e.zero()
	}
	VPADDSW(e.limits.zero, sums[0], sums[0])
	second := sums[0]
	if last > 1 {
		second = sums[2]
		narrow(second, sums[last], e.limits.zero)
	}
	VPACKUSWB(second, sums[0], sums[0])
	if order != nil {
		e.bounds(order.(Mem))
	}
	VPMAXUB(e.limits.least, sums[0], sums[0])
	VPMINUB(e.limits.most, sums[0], sums[0])
	VPERMD(sums[0], e.index, sums[0])
	e.write(sums[0], len(sums))
}

// words is group for a short end: it packs two vectors, of rows or of columns, and finishes both. The table has multipliers, what is
// added after, and shifts, as words that are packed so.
func (e *end) words(sums []VecPhysical, order Op) {
	for i := 0; i < len(sums); i += 2 {
		x := sums[i]
		VPACKSSDW(sums[min(i+1, len(sums)-1)], x, x)
		VPMULHW(Mem{Base: RDX}, x, x)
		VPADDSW(Mem{Base: RDX, Disp: 64}, x, x)
		VPSRAVW(Mem{Base: RDX, Disp: 128}, x, x)
	}
	VPACKUSWB(sums[len(sums)/4*2], sums[0], sums[0])
	if order != nil {
		e.bounds(order.(Mem))
	}
	VPMINUB(e.limits.most, sums[0], sums[0])
	VPERMD(sums[0], e.index, sums[0])
	e.write(sums[0], len(sums))
}

// write writes the codes of some vectors.
func (e *end) write(codes VecPhysical, vectors int) {
	to := Mem{Base: RAX}
	for i := 0; i < vectors; i += e.columns {
		switch {
		case i == 0 && e.columns == 2:
			VMOVDQU32(codes.AsY(), to)
		case i == 0:
			VMOVDQU32(codes.AsX(), to)
		case e.columns == 2:
			VEXTRACTI64X4(Imm(1), codes, to)
		default:
			VEXTRACTI32X4(Imm(uint64(i)), codes, to)
		}
		ADDQ(RBX, RAX)
	}
}

// of is vector i of a column's block.
func (e *end) of(column, i int) Mem {
	return Mem{Base: RDX, Disp: 64 * (e.vectors*column + i)}
}

// oddly returns the multipliers of odd channels.
func (e *end) oddly(by Mem) VecVirtual {
	if m, ok := e.odd[by]; ok {
		return m
	}
	return odd(by, ZMM())
}

// scale multiplies sums and adds the constant.
func (e *end) scale(sum Register, c int) (high VecVirtual) {
	by := e.of(c, e.sum)
	high = odd(sum, ZMM())
	scale(by, sum, e.of(c, e.constant), sum)
	scale(e.oddly(by), high, e.of(c, e.constant+1), high)
	return high
}

// addCodes adds the codes of a residual to scaled sums.
func (e *end) addCodes(sum, high Register, codes Mem, c int) {
	x, product, by := ZMM(), ZMM(), e.of(c, e.code)
	VPMOVZXBD(codes, x)
	VPSLLVD(e.of(c, e.power), x, x)
	VPMULDQ(by, x, product)
	VPADDQ(product, sum, sum)
	odd(x, x)
	VPMULDQ(e.oddly(by), x, x)
	VPADDQ(x, high, high)
}

// untie rounds ties to even: half a unit has been added to the sums, and where nothing is left below the unit it clears
// the bit of the unit. That needs the lowest 32 bits of a sum to be 0, which is rare: where they are 0 in no sum, untie
// is skipped.
func (e *end) untie(sum, high Register, c int, label string) {
	ties := [2]Register{K(), K()}
	for parity, z := range []Register{sum, high} {
		VPTESTNMD(z, z, e.even, ties[parity])
	}
	KORTESTW(ties[0], ties[1])
	JZ(LabelRef(label))
	for parity, z := range []Register{sum, high} {
		untie(z, e.of(c, e.below+parity), e.of(c, e.unit+parity), ties[parity])
	}
	Label(label)
}
