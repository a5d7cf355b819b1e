// SPDX-License-Identifier: Apache-2.0

package kernel

import "github.com/goqat/goqat/fixed"

// NewTerms returns the finisher of an epilogue with several accumulators for each output, or with thresholds, which
// the sets leave to it. The accumulators of an output lie next to each other: tiles have Own channels for each of the
// output's.
func NewTerms(e Epilogue) Finisher {
	if e.T != nil && e.Own == 1 && len(e.Others) == 0 {
		return newIntervals(e)
	}
	return &terms{e}
}

// terms sums the terms of a row, one after the other.
type terms struct{ Epilogue }

func (e *terms) Needs() Needs { return Needs{Sums: e.Channels} }

func (e *terms) Finish(t Tile, acc []int32, tensors []Tensor, s *Scratch) {
	out, own := &tensors[e.Output], max(1, e.Own)
	m := e.multipliers()
	first, n := t.Channel/own, t.Channels/own
	sums := s.Sums[:n]
	for r := range t.Rows {
		clear(sums)
		for k := range e.Own {
			x, m := acc[r*t.Stride+k:], m[k][first:][:n]
			for i := range sums {
				sums[i] += int64(x[i*own]) * m[i]
			}
		}
		row := (t.Row+r)*e.Channels + first
		for k, other := range e.Others {
			x, m := &tensors[other], m[e.Own+k][first:]
			if x.Codes != nil {
				addCodes(sums, x.Codes[row:], x.Zero, m)
			} else {
				addWide(sums, x.Wide[row:], m)
			}
		}
		e.store(out, row, sums, first)
	}
}

func (e *terms) multipliers() [][]int64 {
	if e.T != nil {
		return e.T.M
	}
	return e.R.M
}

// store compares or requantizes a row of sums, of channels from the given one, to the output at index row.
func (e *terms) store(out *Tensor, row int, sums []int64, channel int) {
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
	for i, sum := range sums {
		c := channel + i
		q := fixed.Requantize(sum+e.R.Bias[c]+int64(e.R.AccBias[c])*e.R.M[0][c], e.R.Shift[c], e.R.Zero, e.R.Lo, e.R.Hi)
		if out.Codes != nil {
			out.Codes[row+i] = uint8(q)
		} else {
			out.Wide[row+i] = q
		}
	}
}
