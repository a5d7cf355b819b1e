// SPDX-License-Identifier: Apache-2.0

package vector

import (
	"math/bits"

	"github.com/goqat/goqat/infer/internal/kernel"
)

// Blocks is a finisher that requantizes eight channels at a time, where the output are codes, the terms are one or two, and
// numbers fit the processor's 32-bit multiplication and results. What is left of the channels is done in portable Go.
type Blocks struct {
	kernel.Epilogue
	Constant  []int64 // see kernel.Epilogue.Constants
	Order     []int   // of the terms, as the loops take them: int32 before codes
	Table     []int64 // [block], as AddBlock makes it
	blockSize int     // of the table, in numbers
	loops     *Finish
	rest      kernel.Finisher
}

// Lanes are the channels of a block.
const Lanes = 8

// NewFinish prepares an epilogue in blocks, nil where that cannot be.
func (p *Processor) NewFinish(e kernel.Epilogue) kernel.Finisher {
	if e.R == nil || e.ByImage() || e.R.Lo != 0 || e.R.Hi > 255 || len(e.Terms) > 2 || len(e.Terms) == 1 && e.Terms[0].Codes {
		return nil
	}
	b := &Blocks{Epilogue: e, Constant: e.Constants(), Order: Order(e.Terms), loops: &p.Finish, rest: kernel.NewFinish(e)}
	for first := 0; first+Lanes <= e.Channels; first += Lanes {
		if !p.Finish.AddBlock(b, first) {
			return nil
		}
		b.blockSize = len(b.Table) / (first/Lanes + 1)
	}
	return b
}

// Order returns the terms as the loops take them: int32 before codes.
func Order(terms []kernel.Term) (order []int) {
	for _, codes := range []bool{false, true} {
		for i, t := range terms {
			if t.Codes == codes {
				order = append(order, i)
			}
		}
	}
	return order
}

// Narrow returns the multiplier of a term as one of 32 bits, with the power of two that is left out and goes to the codes
// of the term, and whether both fit.
func (e *Blocks) Narrow(term, channel int) (m, power int64, ok bool) {
	wide := e.R.M[term][channel]
	if e.Terms[term].Codes {
		power = int64(max(0, bits.Len64(uint64(max(wide, -wide)))-31))
	}
	m = wide >> power
	return m, power, m == int64(int32(m)) && m<<power == wide && int64(255)<<power < 1<<31
}

// AddNarrow adds numbers of 32 bits to the table.
func (e *Blocks) AddNarrow(values [Lanes]int64) {
	for lane := 0; lane < Lanes; lane += 2 {
		e.Table = append(e.Table, int64(uint32(values[lane]))|values[lane+1]<<32)
	}
}

// Needs implements kernel.Finisher.
func (e *Blocks) Needs() kernel.Needs { return e.rest.Needs() }

// Finish implements kernel.Finisher.
func (e *Blocks) Finish(t kernel.Tile, acc []int32, tensors []kernel.Tensor, s *kernel.Scratch) {
	blocks := t.Channels / Lanes
	if blocks > 0 {
		e.finishBlocks(t, blocks, acc, tensors)
	}
	if rest := t.Channels % Lanes; rest > 0 {
		t.Channel, t.Channels = t.Channel+blocks*Lanes, rest
		e.rest.Finish(t, acc[min(len(acc), blocks*Lanes):], tensors, s)
	}
}

func (e *Blocks) finishBlocks(t kernel.Tile, blocks int, acc []int32, tensors []kernel.Tensor) {
	n := blocks * Lanes
	place := func(row int) int { return (t.Row+row)*e.Channels + t.Channel }
	dst := tensors[e.Output].Codes[place(0) : place(t.Rows-1)+n]
	table := e.Table[t.Channel/Lanes*e.blockSize:][:blocks*e.blockSize]
	wide, codes, stride := Operands(&e.Epilogue, e.Order, t, n, acc, tensors)
	most := int(e.R.Hi)
	switch {
	case len(e.Order) == 1:
		e.loops.Wide(&dst[0], e.Channels, t.Rows, blocks, &wide[0][0], stride[0], &table[0], most)
	case codes[0] != nil:
		e.loops.CodesCodes(&dst[0], e.Channels, t.Rows, blocks, &codes[0][0], stride[0], &codes[1][0], stride[1], &table[0], most)
	case codes[1] != nil:
		e.loops.WideCodes(&dst[0], e.Channels, t.Rows, blocks, &wide[0][0], stride[0], &codes[1][0], stride[1], &table[0], most)
	default:
		e.loops.WideWide(&dst[0], e.Channels, t.Rows, blocks, &wide[0][0], stride[0], &wide[1][0], stride[1], &table[0], most)
	}
}

// Operands returns the numbers of one or two terms, in the given order, for n channels of a tile's rows: int32 or codes, and the
// bytes from a row to the next.
func Operands(e *kernel.Epilogue, order []int, t kernel.Tile, n int, acc []int32, tensors []kernel.Tensor) (wide [2][]int32, codes [2][]uint8, stride [2]int) {
	from, to := t.Row*e.Channels+t.Channel, (t.Row+t.Rows-1)*e.Channels+t.Channel+n
	for i, term := range order {
		if term < e.Own() {
			wide[i], stride[i] = acc[term*t.Rows*t.Stride:][:(t.Rows-1)*t.Stride+n], 4*t.Stride
			continue
		}
		x := &tensors[e.Others[term-e.Own()]]
		if e.Terms[term].Codes {
			codes[i], stride[i] = x.Codes[from:to], e.Channels
		} else {
			wide[i], stride[i] = x.Wide[from:to], 4*e.Channels
		}
	}
	return wide, codes, stride
}
