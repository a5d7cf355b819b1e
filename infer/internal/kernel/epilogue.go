// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"cmp"

	"github.com/goqat/goqat/fixed"
)

// An Epilogue says how the terms of an operator become its output. Without a requantizer, accumulators are the output.
type Epilogue struct {
	Channels int
	Output   int   // index of the tensor it writes
	Others   []int // indices of the tensors of the terms behind the accumulators, in the output's shape
	Terms    []Term
	R        *fixed.Requantizer

	Own int               // accumulators of an output, the first terms
	T   *fixed.Thresholds // in the place of R: the output are signs
}

// A Term is what is known beforehand of a term: whether it is a tensor of codes, with their zero point, or int32.
type Term struct {
	Codes bool
	Zero  int32
	Bits  int // proved to be enough for the int32; 0 is 32
}

func (t *Term) bits() int { return cmp.Or(t.Bits, 32) }

// value returns number i of a tensor, less its zero point.
func (t *Tensor) value(i int) int64 {
	if t.Codes != nil {
		return int64(int32(t.Codes[i]) - t.Zero)
	}
	return int64(t.Wide[i])
}

// referenceFinish applies the requantizer, output by output.
type referenceFinish struct{ Epilogue }

func newReferenceFinish(e Epilogue) Finisher { return &referenceFinish{e} }

func (e *referenceFinish) Needs() Needs { return Needs{Sums: len(e.Terms)} }

func (e *referenceFinish) Finish(t Tile, acc []int32, tensors []Tensor, s *Scratch) {
	out := &tensors[e.Output]
	for r := range t.Rows {
		for o := range t.Channels {
			c := t.Channel + o
			i := (t.Row+r)*e.Channels + c
			if e.R == nil {
				out.Wide[i] = acc[r*t.Stride+o]
				continue
			}
			terms := s.Sums[:0]
			if acc != nil {
				terms = append(terms, int64(acc[r*t.Stride+o]))
			}
			for _, other := range e.Others {
				terms = append(terms, tensors[other].value(i))
			}
			q := e.R.Apply(c, terms...)
			if out.Codes != nil {
				out.Codes[i] = uint8(q)
			} else {
				out.Wide[i] = q
			}
		}
	}
}

// genericFinish sums the terms of a row, one after the other, and requantizes the row.
type genericFinish struct {
	Epilogue
	constant []int64 // Bias + AccBias·M of the first term
}

func newGenericFinish(e Epilogue) Finisher { return newGenericFinisher(e) }

func newGenericFinisher(e Epilogue) *genericFinish {
	g := &genericFinish{Epilogue: e}
	if r := e.R; r != nil {
		g.constant = make([]int64, e.Channels)
		for c := range g.constant {
			g.constant[c] = r.Bias[c] + int64(r.AccBias[c])*r.M[0][c]
		}
	}
	return g
}

func (e *genericFinish) Needs() Needs { return Needs{Sums: e.Channels} }

func (e *genericFinish) Finish(t Tile, acc []int32, tensors []Tensor, s *Scratch) {
	out := &tensors[e.Output]
	for r := range t.Rows {
		row := (t.Row+r)*e.Channels + t.Channel
		if e.R == nil {
			copy(out.Wide[row:row+t.Channels], acc[r*t.Stride:])
			continue
		}
		sums := s.Sums[:t.Channels]
		copy(sums, e.constant[t.Channel:])
		term := 0
		if acc != nil {
			addWide(sums, acc[r*t.Stride:], e.R.M[0][t.Channel:])
			term = 1
		}
		for _, other := range e.Others {
			x, m := &tensors[other], e.R.M[term][t.Channel:]
			if x.Codes != nil {
				addCodes(sums, x.Codes[row:], x.Zero, m)
			} else {
				addWide(sums, x.Wide[row:], m)
			}
			term++
		}
		e.store(out, row, sums, t.Channel)
	}
}

func addWide(sums []int64, x []int32, m []int64) {
	x, m = x[:len(sums)], m[:len(sums)]
	for i := range sums {
		sums[i] += int64(x[i]) * m[i]
	}
}

func addCodes(sums []int64, x []uint8, zero int32, m []int64) {
	x, m = x[:len(sums)], m[:len(sums)]
	for i := range sums {
		sums[i] += int64(int32(x[i])-zero) * m[i]
	}
}

// store requantizes a row of sums, of channels from the given one, to the output at index row.
func (e *genericFinish) store(out *Tensor, row int, sums []int64, channel int) {
	shift := e.R.Shift[channel:][:len(sums)]
	zero, lo, hi := e.R.Zero, e.R.Lo, e.R.Hi
	if out.Codes != nil {
		dst := out.Codes[row:][:len(sums)]
		for i, sum := range sums {
			dst[i] = uint8(fixed.Requantize(sum, shift[i], zero, lo, hi))
		}
		return
	}
	dst := out.Wide[row:][:len(sums)]
	for i, sum := range sums {
		dst[i] = fixed.Requantize(sum, shift[i], zero, lo, hi)
	}
}
