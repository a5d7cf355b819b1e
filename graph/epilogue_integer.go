// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"errors"
)

var errNoInteger = errors.New("it has no integer parameters; derive them from the network before an integer run")

// integerBlocks requantizes: the integer form of forwardBlocks.
type integerBlocks epilogue

// forwardInteger is Forward on integers: accumulators (or q − zero point) in,
// q − zero point out.
func (e *epilogue) forwardInteger(blocks int) error {
	if e.integer == nil && e.table == nil && e.signs == nil {
		return errNoInteger
	}
	e.room.codes = grown(e.room.codes, len(e.y))
	e.codes = e.room.codes[:len(e.y)]
	e.scaleImages()
	e.pool.Run((*integerBlocks)(e), blocks)
	if e.online.rule != nil {
		e.finishOnline()
	}
	if tap := e.run.Tap; tap != nil {
		n := e.n * e.channels
		tap(Site{Name: e.name, Y: e.y[:n], Codes: e.codes[:n]})
	}
	return nil
}

// beside returns the number of values of four bytes that e holds beside the arena at
// most, what signs were taken of, and that it shares with other ops, the codes.
func (e *epilogue) beside(batch int64) (own, shared int64) {
	return int64(len(e.values)), batch * int64(e.rows*e.channels)
}

// A codeTable maps codes to codes.
type codeTable struct {
	codes   []uint8
	each    int   // of the table of one channel; as many as there are if there is one table for all
	in, out int32 // zero points
}

func (t *integerBlocks) Tile(i, _ int) {
	e, r := (*epilogue)(t), t.integer
	lo, hi := e.block(i)
	if e.signs != nil {
		e.compare(lo, hi)
		return
	}
	if m := e.table; m != nil {
		tables := len(m.codes) / m.each
		for j, x := range e.x[0][lo:hi] {
			e.codes[lo+j] = int32(m.codes[j%e.channels%tables*m.each+int(x)+int(m.in)])
			e.y[lo+j] = float32(e.codes[lo+j] - m.out)
		}
		return
	}
	for at := lo; at < hi; at += e.channels {
		m := r.M
		if e.online.multipliers != nil {
			m = e.online.multipliers[at/e.channels/e.rows]
		}
		for c := range e.channels {
			q := r.Finish(c, e.integerSum(m, at, c)+r.Constant(c))
			e.codes[at+c] = q
			e.y[at+c] = float32(q - r.Zero)
		}
	}
}

// compare is the integer form of signs: their codes are the integers of the
// result.
func (e *epilogue) compare(lo, hi int) {
	for at := lo; at < hi; at += e.channels {
		for c := range e.channels {
			q := e.signs.Code(c, e.integerSum(e.signs.M, at, c))
			e.codes[at+c] = int32(q)
			e.y[at+c] = float32(q)
		}
	}
}

// integerSum returns Σ accumulator·multiplier over the terms, for channel c of the
// row at index at.
func (e *epilogue) integerSum(m [][]int64, at, c int) int64 {
	var sum int64
	term := 0
	for k := range e.terms {
		s := &e.terms[k]
		if s.conv == nil {
			sum += int64(e.x[s.x][at+c]) * m[term][c]
			term++
			continue
		}
		for j := range s.conv.sums {
			sum += s.conv.sums[j].at(at+c) * m[term][c]
			term++
		}
	}
	return sum
}
