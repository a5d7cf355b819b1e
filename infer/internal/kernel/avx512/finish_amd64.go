// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package avx512

import (
	"math/bits"

	"github.com/goqat/goqat/infer/internal/kernel"
	"github.com/goqat/goqat/infer/internal/kernel/vector"
)

// finisher requantizes 16 channels at a time where the output are codes, the terms are one or two, and numbers fit
// the processor's 32-bit multiplication. The rest, and what is left of the channels, is done eight at a time.
//
// A sum is x = Σ a·M + constant, the shift at least 32: the rounded number is the high half of x + half a unit, shifted
// by what is left. That rounds a tie up. With one term each channel has one accumulator at most that leads to a tie, and
// the constant is 1 less where that one must go down. With more of them, the product finds ties.
type finisher struct {
	rest kernel.Finisher
	kernel.Epilogue
	constant  []int64 // Bias + AccBias·M of the first term
	terms     []int   // in the order of the assembly: int32 before codes
	ties      bool    // found by the product
	blocks    []block
	table     []int64
	blockSize int     // of the table, in numbers
	powers    []int64 // of int32 that have any, and of those of two terms, [block][term], as 32 bits, see block
	apart     bool    // some powers of int32 are not 0, so that ends of this package's products, which have none, cannot be this one
}

const lanes = 16

func newFinish(e kernel.Epilogue) kernel.Finisher {
	f := &finisher{rest: processor.NewSums(e), Epilogue: e, constant: e.Constants()}
	if e.R == nil || e.ByImage() || e.Channels < lanes || e.R.Lo < 0 || e.R.Hi > 255 || len(e.Terms) > 2 || len(e.Terms) == 1 && e.Terms[0].Codes {
		return f.rest
	}
	f.terms = vector.Order(e.Terms)
	f.blocks = make([]block, e.Channels/lanes)
	for i := range f.blocks {
		if !f.fill(&f.blocks[i], i*lanes) {
			return f.rest
		}
		f.ties = f.ties || f.blocks[i].ties
	}
	f.ties = f.ties || f.apart
	for i := range f.blocks {
		f.add(&f.blocks[i])
	}
	f.blockSize = len(f.table) / len(f.blocks)
	return f
}

// A block is the constants of 16 channels, shifted so that the shift is at least 32.
type block struct {
	ties        bool         // for the product to find
	undecided   bool         // some ties are for the product alone
	constant    [lanes]int64 // with half a unit
	down        [lanes]int64 // what it has too much for the ties
	sways       [lanes]sway  // what else decides ties
	shift       [lanes]uint8
	up          [lanes]uint8 // what was added to the shift
	size        [lanes]uint8 // bits of sums without their sign
	multipliers [2][lanes]int64
	powers      [2][lanes]int64 // of two that are left out of multipliers, and go to the numbers
}

// A sway is by*(q - at) for the code q of a second term: less than a unit of the last place of a sum, it decides ties of some
// codes upwards, and those of others downwards.
type sway struct{ by, at int64 }

// fill computes the constants of 16 channels and says whether they can be computed so.
func (e *finisher) fill(b *block, first int) bool {
	for lane := range lanes {
		c := first + lane
		shift := max(32, e.R.Shift[c])
		up := shift - e.R.Shift[c]
		constant := e.constant[c]
		reach := uint64(0)
		for i, term := range e.terms {
			t, m := &e.Epilogue.Terms[term], e.R.M[term][c]
			size := uint64(max(m, -m))
			if size >= 1<<31 && !t.Codes || size >= 1<<54 {
				return false
			}
			if t.Codes {
				constant -= int64(t.Zero) * m
				reach += size * 255
			} else {
				reach += size << (t.Width() - 1)
			}
			room := 32 - t.Width()
			if t.Codes {
				room = 31 - 8
			}
			power := max(0, bits.Len64(size<<up)-31)
			b.powers[i][lane], b.multipliers[i][lane] = int64(power), m<<up>>power
			if narrow := m << up >> power; narrow != int64(int32(narrow)) || narrow<<power != m<<up || power > room {
				return false
			}
			e.apart = e.apart || power > 0 && !t.Codes
		}
		reach += uint64(max(constant, -constant))
		half := int64(1) << (shift - 1)
		if reach >= 1<<(62-up) {
			return false
		}
		constant <<= up
		b.size[lane] = uint8(bits.Len64(reach << up))
		b.constant[lane], b.shift[lane], b.up[lane] = constant+half, shift, up
		e.decide(b, lane, constant)
	}
	b.ties = b.undecided || len(e.terms) > 1
	return true
}

// multiplier returns that of a term with its power of two.
func (b *block) multiplier(term, lane int) int64 {
	return b.multipliers[term][lane] << b.powers[term][lane]
}

// decide looks for the ties of a channel that make a difference, and has the constant decide them, or a sway.
func (e *finisher) decide(b *block, lane int, constant int64) {
	codes, code, m, shift := 1, int64(0), b.multiplier(0, lane), b.shift[lane]
	if len(e.terms) > 1 {
		codes, code = 256, b.multiplier(1, lane)
	}
	wide := &e.Epilogue.Terms[e.terms[0]]
	if wide.Codes || len(e.terms) > 1 && !e.Epilogue.Terms[e.terms[1]].Codes {
		b.undecided = true
		return
	}
	ties, turns, last := 0, 0, false // turns of the direction from a tie to that of the next greater code
	for q := range int64(codes) {
		acc, found, unique := vector.Tie(m, constant+q*code, shift, wide.Width())
		if !unique {
			ok := false
			if len(e.terms) == 1 {
				b.down[lane], ok = e.lower(m, constant, shift, wide.Width())
			}
			b.undecided = b.undecided || !ok
			return
		}
		rounded := (acc*m + constant + q*code) >> shift // below the tie
		if below := rounded + int64(e.R.Zero); !found || below+1 <= int64(e.R.Lo) || below >= int64(e.R.Hi) {
			continue // both neighbours are the same code
		}
		down := rounded&1 == 0
		switch {
		case ties == 0 && down:
			b.down[lane] = 1
		case ties > 0 && down != last:
			turns++
			if b.sways[lane] = (sway{1, q}); down {
				b.sways[lane] = sway{-1, q - 1}
			}
		}
		ties, last = ties+1, down
	}
	b.undecided = b.undecided || turns > 1
	if turns > 0 {
		b.down[lane] = 0
	}
}

// lower returns by how much a constant must be less so that all codes of a channel of many ties are right, of accumulators of so many bits,
// and whether there is such a number. At the step to a code, half a unit below it or, where that tie goes down, one more, the accumulator
// next to it has something above: what all have can be left out, if the accumulator before is still below the step then.
func (e *finisher) lower(m, constant int64, shift uint8, width int) (int64, bool) {
	if shift > 60 {
		return 0, false
	}
	size, reach, half := max(m, -m), int64(1)<<(width-1), int64(1)<<(shift-1)
	first := max((constant-reach*size+half)>>shift, int64(e.R.Lo-e.R.Zero)+1)
	last := min((constant+reach*size+half)>>shift+1, int64(e.R.Hi-e.R.Zero))
	least, most := size, int64(0)
	for code := first; code <= last; code++ {
		down := code & 1
		above := (constant - code<<shift + half - down) % size
		if above < 0 {
			above += size
		}
		least, most = min(least, above+down), max(most, above+down)
	}
	if first > last {
		return 0, true
	}
	return least, most-least < size
}

// add adds the table of a block: of even and of odd channels, as words of 64 bits, the constant; as 32 bits, the shift
// less 32; where the product finds ties, the bits below the unit and the unit; for each term, as 32 bits, the
// multipliers, and of codes the power of two that is left out of them and goes to the codes.
func (e *finisher) add(b *block) {
	var constant, shift, below, unit [lanes]int64
	for lane, s := range b.shift {
		constant[lane], shift[lane], below[lane], unit[lane] = b.constant[lane], int64(s)-32, 1<<s-1, 1<<s
		if !e.ties {
			constant[lane] -= b.down[lane]
		}
	}
	e.table = appendEvenOdd(e.table, constant[:])
	e.table = appendNarrow(e.table, shift[:])
	if e.ties {
		e.table = appendEvenOdd(e.table, below[:])
		e.table = appendEvenOdd(e.table, unit[:])
	}
	for i, term := range e.terms {
		e.table = appendNarrow(e.table, b.multipliers[i][:])
		if e.Epilogue.Terms[term].Codes {
			e.table = appendNarrow(e.table, b.powers[i][:])
		} else if len(e.terms) > 1 || e.apart {
			e.powers = appendNarrow(e.powers, b.powers[i][:])
		}
	}
}

// appendNarrow appends values to a table as 32 bits each.
func appendNarrow(table, values []int64) []int64 {
	for lane := 0; lane < len(values); lane += 2 {
		table = append(table, int64(uint32(values[lane]))|values[lane+1]<<32)
	}
	return table
}

// appendWords appends the numbers of two vectors to a table as words, in the order in which vectors are packed.
func appendWords(table, vector, next []int64) []int64 {
	for lane := 0; lane < len(vector); lane += 4 {
		for _, four := range [][]int64{vector[lane:], next[lane:]} {
			table = append(table, four[0]&0xffff|four[1]&0xffff<<16|four[2]&0xffff<<32|four[3]<<48)
		}
	}
	return table
}

// appendEvenOdd appends the values of even lanes, then those of odd lanes, to a table.
func appendEvenOdd(table, values []int64) []int64 {
	for parity := range 2 {
		for lane := parity; lane < len(values); lane += 2 {
			table = append(table, values[lane])
		}
	}
	return table
}

func (e *finisher) Needs() kernel.Needs { return e.rest.Needs() }

func (e *finisher) Finish(t kernel.Tile, acc []int32, tensors []kernel.Tensor, s *kernel.Scratch) {
	blocks := t.Channels / lanes
	if blocks > 0 {
		e.finishBlocks(t, blocks, acc, tensors)
	}
	if rest := t.Channels % lanes; rest > 0 {
		t.Channel, t.Channels = t.Channel+blocks*lanes, rest
		if acc != nil {
			acc = acc[blocks*lanes:]
		}
		e.rest.Finish(t, acc, tensors, s)
	}
}

func (e *finisher) finishBlocks(t kernel.Tile, blocks int, acc []int32, tensors []kernel.Tensor) {
	n := blocks * lanes
	from, to := t.Row*e.Channels+t.Channel, (t.Row+t.Rows-1)*e.Channels+t.Channel+n
	dst := tensors[e.Output].Codes[from:to]
	table := e.table[t.Channel/lanes*e.blockSize:][:blocks*e.blockSize]
	powers := e.powers[t.Channel/lanes*len(e.powers)/len(e.blocks):]
	wide, codes, stride := vector.Operands(&e.Epilogue, e.terms, t, n, acc, tensors)
	zero, least, most := int(e.R.Zero), int(e.R.Lo), int(e.R.Hi)
	switch {
	case len(e.terms) == 1 && !e.ties:
		finishWide(&dst[0], e.Channels, t.Rows, blocks, &wide[0][0], stride[0], &table[0], zero, least, most)
	case len(e.terms) == 1 && e.apart:
		finishWidePowers(&dst[0], e.Channels, t.Rows, blocks, &wide[0][0], stride[0], &powers[0], &table[0], zero, least, most)
	case len(e.terms) == 1:
		finishWideTies(&dst[0], e.Channels, t.Rows, blocks, &wide[0][0], stride[0], &table[0], zero, least, most)
	case codes[0] != nil:
		finishCodesCodes(&dst[0], e.Channels, t.Rows, blocks, &codes[0][0], stride[0], &codes[1][0], stride[1], &table[0], zero, least, most)
	case codes[1] != nil:
		finishWideCodes(&dst[0], e.Channels, t.Rows, blocks, &wide[0][0], stride[0], &codes[1][0], stride[1], &powers[0], &table[0], zero, least, most)
	default:
		finishWideWide(&dst[0], e.Channels, t.Rows, blocks, &wide[0][0], stride[0], &wide[1][0], stride[1], &powers[0], &table[0], zero, least, most)
	}
}
