// SPDX-License-Identifier: Apache-2.0

package kernel

import "slices"

// A Centering makes up for an input whose channels have zero points of their own. A plan knows one zero point z and pads
// with it, so that it computes Σ (q - z)·w over the taps inside of the image. What is missing is Σ (z - z[channel])·w over
// the same taps, which no code of the input changes: a number for each output channel and each set of taps that lie inside.
type Centering struct {
	pixels, width, channels int
	row, column             []int     // what set of taps an output row, and a column, has inside
	columns                 int       // sets of a row
	whole                   int       // the index of the set of all taps in missing, -1 for none
	folded                  bool      // nothing is missing there
	missing                 [][]int32 // [set of weights][row set, column set, output channel]
}

// NewCentering prepares the sums of a convolution whose taps lie so far apart. Channel c of the input has the zero point
// zeros[c modulo their number]; the plans have c.Zero. sets are the weights, [OutC][KH][KW][InC/Groups], of each accumulator.
func NewCentering(c Conv, dilationH, dilationW int, zeros []int32, sets [][]int16) *Centering {
	rows, rowTaps := insides(c.OutH, c.StrideH, c.Top, c.KH, dilationH, c.InH)
	columns, columnTaps := insides(c.OutW, c.StrideW, c.Left, c.KW, dilationW, c.InW)
	p := &Centering{pixels: c.Pixels(), width: c.OutW, channels: c.OutC, row: rows, column: columns, columns: len(columnTaps), whole: -1}
	if r, k := slices.Index(rowTaps, [2]int{0, c.KH}), slices.Index(columnTaps, [2]int{0, c.KW}); r >= 0 && k >= 0 {
		p.whole = (r*len(columnTaps) + k) * c.OutC
	}
	for _, weights := range sets {
		taps := tapOffsets(c, zeros, weights)
		missing := make([]int32, 0, len(rowTaps)*len(columnTaps)*c.OutC)
		for _, r := range rowTaps {
			for _, k := range columnTaps {
				for o := range c.OutC {
					var sum int32
					for ky := r[0]; ky < r[1]; ky++ {
						for _, offset := range taps[(o*c.KH+ky)*c.KW:][k[0]:max(k[0], k[1])] {
							sum += offset
						}
					}
					missing = append(missing, sum)
				}
			}
		}
		p.missing = append(p.missing, missing)
	}
	return p
}

// tapOffsets returns Σ (c.Zero - zero)·w over the channels of each tap, [OutC][KH][KW].
func tapOffsets(c Conv, zeros []int32, weights []int16) []int32 {
	in := c.InC / c.Groups
	offsets := make([]int32, c.OutC*c.KH*c.KW)
	for t := range offsets {
		base := t / (c.KH * c.KW) / (c.OutC / c.Groups) * in // the first input channel of the group
		for i, w := range weights[t*in:][:in] {
			offsets[t] += (c.Zero - zeros[(base+i)%len(zeros)]) * int32(w)
		}
	}
	return offsets
}

// insides returns the different ranges [first, last) of taps that lie inside of an image along one side, and which of them
// each output has.
func insides(outputs, stride, pad, taps, dilation, size int) (which []int, ranges [][2]int) {
	index := map[[2]int]int{}
	for i := range outputs {
		start := i*stride - pad
		r := [2]int{min(taps, max(0, (dilation-1-start)/dilation)), 0}
		r[1] = max(r[0], min(taps, (size-start+dilation-1)/dilation))
		k, ok := index[r]
		if !ok {
			k = len(ranges)
			index[r], ranges = k, append(ranges, r)
		}
		which = append(which, k)
	}
	return which, ranges
}

// Fold returns what is missing where all taps are inside of the image, one number for each channel, and leaves the others
// less that: whoever takes them as biases has nothing to add to most pixels. It returns nil where there are several sets of
// weights, no such pixel, or a number beyond ±most.
func (p *Centering) Fold(most int32) []int32 {
	if len(p.missing) != 1 || p.whole < 0 {
		return nil
	}
	missing := p.missing[0]
	common := slices.Clone(missing[p.whole:][:p.channels])
	if slices.Max(common) > most || slices.Min(common) < -most {
		return nil
	}
	for i := range missing {
		missing[i] -= common[i%p.channels]
	}
	p.folded = true
	return common
}

// Add adds what is missing to the accumulators of a tile.
func (p *Centering) Add(acc []int32, t Tile) {
	for _, missing := range p.missing {
		for r := range t.Rows {
			pixel := (t.Row + r) % p.pixels
			at := (p.row[pixel/p.width]*p.columns + p.column[pixel%p.width]) * p.channels
			if p.folded && at == p.whole {
				continue
			}
			row, add := acc[r*t.Stride:][:t.Channels], missing[at+t.Channel:][:t.Channels]
			for i := range row {
				row[i] += add[i]
			}
		}
		acc = acc[t.Rows*t.Stride:]
	}
}
