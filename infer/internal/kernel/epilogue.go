// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"cmp"
	"slices"

	"github.com/goqat/goqat/fixed"
)

// An Epilogue says how the terms of an operator, its accumulators and then tensors, become its output: by a requantizer,
// by thresholds, which make signs, or, with neither, as they are.
type Epilogue struct {
	Channels int
	Output   int   // index of the tensor it writes
	Others   []int // indices of the tensors of the terms after the accumulators, in the output's shape
	Terms    []Term
	R        *fixed.Requantizer
	T        *fixed.Thresholds
	// Steps are the indices of the tensors by whose steps the images of each term differ, -1 for one step for all, and Pixels
	// the rows of an image; they are used where R has divisors.
	Steps  []int
	Pixels int
}

// Own returns the accumulators of an output.
func (e *Epilogue) Own() int { return len(e.Terms) - len(e.Others) }

// Multipliers returns those of the terms, [term][channel].
func (e *Epilogue) Multipliers() [][]int64 {
	if e.T != nil {
		return e.T.M
	}
	return e.R.M
}

// Constants returns what a requantizer adds to the sum of each channel, Bias + AccBias·M of the first term, and zeros for
// thresholds.
func (e *Epilogue) Constants() []int64 {
	constants := make([]int64, e.Channels)
	if r := e.R; r != nil {
		for c := range constants {
			constants[c] = r.Constant(c)
		}
	}
	return constants
}

// A Term is what is known beforehand of a term: whether it is a tensor of codes, with their zero point, or int32.
type Term struct {
	Codes bool
	Zero  int32
	Bits  int // proved to be enough for the int32; 0 is 32
}

// Width returns the bits that are enough for the int32.
func (t *Term) Width() int { return cmp.Or(t.Bits, 32) }

// Value returns number i of a tensor, less its zero point.
func (t *Tensor) Value(i int) int64 {
	if t.Codes != nil {
		return int64(int32(t.Codes[i]) - t.Zero)
	}
	return int64(t.Wide[i])
}

// referenceFinish applies the requantizer or the thresholds, output by output.
type referenceFinish struct{ Epilogue }

func newReferenceFinish(e Epilogue) Finisher { return &referenceFinish{e} }

func (e *referenceFinish) Needs() Needs { return Needs{Sums: len(e.Terms)} }

func (e *referenceFinish) Finish(t Tile, acc []int32, tensors []Tensor, s *Scratch) {
	out := &tensors[e.Output]
	for r := range t.Rows {
		for o := range t.Channels {
			c := t.Channel + o
			i := (t.Row+r)*e.Channels + c
			if e.R == nil && e.T == nil {
				out.Wide[i] = acc[r*t.Stride+o]
				continue
			}
			terms := s.Sums[:0]
			for k := range e.Own() {
				terms = append(terms, int64(acc[(k*t.Rows+r)*t.Stride+o]))
			}
			for _, other := range e.Others {
				terms = append(terms, tensors[other].Value(i))
			}
			switch {
			case e.T != nil:
				out.Codes[i] = e.T.Apply(c, terms...)
			case e.ByImage():
				out.put(i, e.applyImage(c, (t.Row+r)/e.Pixels, terms, tensors))
			case out.Codes != nil:
				out.Codes[i] = uint8(e.R.Apply(c, terms...))
			default:
				out.Wide[i] = e.R.Apply(c, terms...)
			}
		}
	}
}

// genericFinish sums the terms of a row, one after the other, and requantizes or compares the row.
type genericFinish struct {
	Epilogue
	constant    []int64
	multipliers []int64 // [term][channel]
}

// NewFinish prepares an epilogue in portable Go.
func NewFinish(e Epilogue) Finisher {
	f := &genericFinish{Epilogue: e}
	if e.R != nil || e.T != nil {
		f.constant, f.multipliers = e.Constants(), slices.Concat(e.Multipliers()...)
	}
	return f
}

// NewCompare prepares an epilogue with thresholds in portable Go.
func NewCompare(e Epilogue) Finisher {
	if len(e.Terms) == 1 && e.Own() == 1 {
		return NewIntervals(e)
	}
	return NewFinish(e)
}

func (e *genericFinish) Needs() Needs {
	n := Needs{Sums: e.Channels}
	if e.ByImage() {
		n.Sums += len(e.multipliers)
	}
	return n
}

func (e *genericFinish) Finish(t Tile, acc []int32, tensors []Tensor, s *Scratch) {
	m := e.multipliers
	for first, rows := 0, t.Rows; first < t.Rows; first += rows {
		if e.ByImage() {
			var image int
			image, rows = e.ImageRows(t, first)
			m = s.Sums[e.Channels:]
			e.Scale(m, e.Channels, image, t, tensors)
		}
		for r := first; r < first+rows; r++ {
			e.finishRow(t, r, acc, m, tensors, s.Sums)
		}
	}
}

// finishRow finishes row r of a tile with multipliers m, [term][channel].
func (e *genericFinish) finishRow(t Tile, r int, acc []int32, m []int64, tensors []Tensor, sums []int64) {
	out, row := &tensors[e.Output], (t.Row+r)*e.Channels+t.Channel
	if e.R == nil && e.T == nil {
		copy(out.Wide[row:row+t.Channels], acc[r*t.Stride:])
		return
	}
	sums = sums[:t.Channels]
	copy(sums, e.constant[t.Channel:])
	for k := range e.Own() {
		addWide(sums, acc[(k*t.Rows+r)*t.Stride:], m[k*e.Channels+t.Channel:])
	}
	for k, other := range e.Others {
		x, m := &tensors[other], m[(e.Own()+k)*e.Channels+t.Channel:]
		if x.Codes != nil {
			addCodes(sums, x.Codes[row:], x.Zero, m)
		} else {
			addWide(sums, x.Wide[row:], m)
		}
	}
	e.store(out, row, sums, t.Channel)
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

// store requantizes or compares a row of sums, of channels from the given one, to the output at index row.
func (e *genericFinish) store(out *Tensor, row int, sums []int64, channel int) {
	if e.T != nil {
		dst := out.Codes[row:][:len(sums)]
		clear(dst)
		for n, level := range e.T.T {
			level := level[channel:][:len(sums)]
			for i, sum := range sums {
				if sum >= level[i] {
					dst[i] |= 1 << n
				}
			}
		}
		return
	}
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
