// SPDX-License-Identifier: Apache-2.0

package avx512

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// end stores the sums or requantizes them.
func (t *tile) end(order Mem) {
	to, stride := GP64(), Load(Param("stride"), GP64())
	MOVQ(t.dst, to)
	TESTQ(to, to)
	JNZ(LabelRef("codes"))
	MOVQ(t.acc, to)
	t.store(to, stride)
	MOVQ(to, t.acc)
	JMP(LabelRef("done"))
	Label("codes")
	residual := GP64()
	MOVQ(t.other, residual)
	TESTQ(residual, residual)
	JNZ(LabelRef("residual"))
	ties := Load(Param("ties"), GP8())
	TESTB(ties, ties)
	JNZ(LabelRef("ties"))
	t.codes(oneTerm, to, stride, nil, order)
	MOVQ(to, t.dst)
	JMP(LabelRef("done"))
	Label("ties")
	t.codes(oneWithTies, to, stride, nil, order)
	MOVQ(to, t.dst)
	JMP(LabelRef("done"))
	Label("residual")
	t.codes(withCodes, to, stride, residual, order)
	MOVQ(to, t.dst)
	MOVQ(residual, t.other)
	Label("done")
}

// codes requantizes the sums, with the codes of a residual if there is one, and writes them, four vectors at a time: of
// rows one below the other, or of two columns.
func (t *tile) codes(block block, to, stride, residual Register, order Mem) {
	e := newEnd(block, t.columns, 31-len(t.sums[0])) // one of the 32 is for the table of packed weights
	var limits limits
	var index VecVirtual
	sums := t.sums[0]
	for first := 0; first < len(sums); first += 4 {
		group := sums[first:min(first+4, len(sums))]
		for i, sum := range group {
			c := (first + i) % t.columns
			high := e.scale(sum, c)
			if residual != nil {
				e.addCodes(sum, high, Mem{Base: residual, Disp: 16 * c}, c)
				if c == t.columns-1 {
					ADDQ(stride, residual)
				}
			}
			if block.unit > 0 {
				e.untie(sum, high, c, fmt.Sprintf("untied%dof%d", first+i, block.vectors))
			}
			round(sum, high, e.even, e.of(c, e.shift), sum)
		}
		last := len(group) - 1
		VPACKSSDW(group[min(1, last)], group[0], group[0])
		if first == 0 { // registers are free only now
			limits.zero = ZMM()
			broadcastWord("zero", limits.zero)
		}
		VPADDSW(limits.zero, group[0], group[0])
		second := group[0]
		if last > 1 {
			second = group[2]
			narrow(second, group[last], limits.zero)
		}
		VPACKUSWB(second, group[0], group[0])
		if first == 0 {
			limits.least, limits.most = ZMM(), ZMM()
			broadcastByte("least", limits.least)
			broadcastByte("most", limits.most)
			index = ZMM()
			VMOVDQU32(order, index)
		}
		VPMAXUB(limits.least, group[0], group[0])
		VPMINUB(limits.most, group[0], group[0])
		VPERMD(group[0], index, group[0])
		t.write(group[0], len(group), to, stride)
	}
}

// write writes the codes of some vectors.
func (t *tile) write(codes VecVirtual, vectors int, to, stride Register) {
	for i := 0; i < vectors; i += t.columns {
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

// A block is where the vectors of 16 channels are in a table of finisher: those of even and of odd channels, one behind
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
	even := evenLanes()
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
			e.odd[m] = odd(m, ZMM())
		}
	}
	return e
}

// of is vector i of a column's block.
func (e *end) of(column, i int) Mem {
	return Mem{Base: e.table, Disp: 64 * (e.vectors*column + i)}
}

// oddly returns the multipliers of odd channels.
func (e *end) oddly(by Mem) VecVirtual {
	if m, ok := e.odd[by]; ok {
		return m
	}
	return odd(by, ZMM())
}

// scale multiplies sums and adds the constant.
func (e *end) scale(sum VecVirtual, c int) (high VecVirtual) {
	by := e.of(c, e.sum)
	high = odd(sum, ZMM())
	scale(by, sum, e.of(c, e.constant), sum)
	scale(e.oddly(by), high, e.of(c, e.constant+1), high)
	return high
}

// addCodes adds the codes of a residual to scaled sums.
func (e *end) addCodes(sum, high VecVirtual, codes Mem, c int) {
	x, product, by := ZMM(), ZMM(), e.of(c, e.code)
	VPMOVZXBD(codes, x)
	VPSLLVD(e.of(c, e.power), x, x)
	VPMULDQ(by, x, product)
	VPADDQ(product, sum, sum)
	odd(x, x)
	VPMULDQ(e.oddly(by), x, x)
	VPADDQ(x, high, high)
}

// untie sends ties down where up is odd. Nothing is below the unit of a tie then, which rarely is so even of the lowest
// 32 bits.
func (e *end) untie(sum, high VecVirtual, c int, label string) {
	ties := [2]Register{K(), K()}
	for parity, z := range []VecVirtual{sum, high} {
		VPTESTNMD(z, z, e.even, ties[parity])
	}
	KORTESTW(ties[0], ties[1])
	JZ(LabelRef(label))
	for parity, z := range []VecVirtual{sum, high} {
		untie(z, e.of(c, e.below+parity), e.of(c, e.unit+parity), ties[parity])
	}
	Label(label)
}
