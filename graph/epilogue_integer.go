// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"errors"

	"github.com/goqat/goqat/fixed"
)

var errNoInteger = errors.New("it has no integer parameters; derive them from the network before an integer run")

// integerBlocks requantizes: the integer form of forwardBlocks.
type integerBlocks epilogue

// forwardInteger is Forward on integers: accumulators (or q − zero point) in,
// q − zero point out.
func (e *epilogue) forwardInteger(blocks int) error {
	if e.integer == nil && e.table == nil {
		return errNoInteger
	}
	if e.codes == nil {
		e.codes = make([]int32, len(e.y))
	}
	e.pool.Run((*integerBlocks)(e), blocks)
	if tap := e.run.Tap; tap != nil {
		n := e.n * e.channels
		tap(Site{Name: e.name, Y: e.y[:n], Codes: e.codes[:n]})
	}
	return nil
}

// A codeTable maps codes to codes.
type codeTable struct {
	codes   []uint8
	in, out int32 // zero points
}

func (t *integerBlocks) Tile(i, _ int) {
	e, r := (*epilogue)(t), t.integer
	lo, hi := e.block(i)
	if m := e.table; m != nil {
		for j, x := range e.x[0][lo:hi] {
			e.codes[lo+j] = int32(m.codes[int32(x)+m.in])
			e.y[lo+j] = float32(e.codes[lo+j] - m.out)
		}
		return
	}
	for at := lo; at < hi; at += e.channels {
		for c := range e.channels {
			sum := r.Bias[c]
			for k := range e.stages {
				acc := e.stages[k].accumulator(e.x, at+c)
				if k == 0 {
					acc += int64(r.AccBias[c])
				}
				sum += acc * r.M[k][c]
			}
			q := fixed.Requantize(sum, r.Shift[c], r.Zero, r.Lo, r.Hi)
			e.codes[at+c] = q
			e.y[at+c] = float32(q - r.Zero)
		}
	}
}

// accumulator returns value i of the term's tensor, an integer held exactly.
func (s *stage) accumulator(x [][]float32, i int) int64 {
	if s.conv != nil && s.conv.wide != nil {
		return int64(s.conv.wide[i])
	}
	return int64(x[s.x][i])
}
