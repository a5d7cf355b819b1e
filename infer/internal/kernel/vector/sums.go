// SPDX-License-Identifier: Apache-2.0

package vector

import (
	"slices"

	"github.com/goqat/goqat/infer/internal/kernel"
)

// sumsFinish sums any number of terms in 64 bits, a block of channels at a time, term after term over some rows, and then
// requantizes or compares these rows.
type sumsFinish struct {
	kernel.Epilogue
	rest      kernel.Finisher
	k         *Sums
	constant  []int64 // [channel], less what zero points make of it
	factors   []int64 // [term][channel]
	table     []int64 // see Sums
	blockSize int     // of the table, in numbers
}

// cut returns a tile without the channels after its last whole block, and a tile of those, where blocks must be whole.
func (k *Sums) cut(t kernel.Tile) (blocks, rest kernel.Tile) {
	if k.Whole {
		n := t.Channels / k.Lanes * k.Lanes
		rest = kernel.Tile{Row: t.Row, Rows: t.Rows, Channel: t.Channel + n, Channels: t.Channels - n, Stride: t.Stride}
		t.Channels = n
	}
	return t, rest
}

// count returns the channels of a tile as the loops count them.
func (k *Sums) count(t kernel.Tile) int {
	if k.Whole {
		return t.Channels / k.Lanes
	}
	return t.Channels
}

const sumsRows = 1 << 11 // sums of the rows at a time, which stay in the first cache

// NewSums prepares an epilogue by sums.
func (p *Processor) NewSums(e kernel.Epilogue) kernel.Finisher {
	if e.R == nil && e.T == nil || e.ByImage() && slices.Contains(e.R.Shift, 0) { // see addShifts
		return kernel.NewFinish(e)
	}
	k := p.Sums
	padded := k.padded(e.Channels)
	f := &sumsFinish{Epilogue: e, rest: kernel.NewFinish(e), k: k, constant: make([]int64, padded)}
	copy(f.constant, e.Constants())
	f.factors = make([]int64, len(e.Terms)*padded)
	for i, m := range e.Multipliers() {
		copy(f.factors[i*padded:], m)
	}
	if !e.ByImage() { // else image by image
		f.shift(f.constant, f.factors, 0, padded)
	}
	for first := 0; first < padded; first += k.Lanes {
		if e.T != nil {
			f.addLevels(first)
		} else {
			f.addShifts(first)
		}
	}
	f.blockSize = len(f.table) / (padded / k.Lanes)
	return f
}

// shift takes from the constants of the given channels what the zero points of codes add to their sums.
func (e *sumsFinish) shift(constant, factors []int64, first, end int) {
	for i, t := range e.Terms {
		m := factors[i*len(constant):]
		for c := first; c < end; c++ {
			constant[c] -= int64(t.Zero) * m[c]
		}
	}
}

// padded returns the channels of whole blocks for so many.
func (k *Sums) padded(channels int) int { return (channels + k.Lanes - 1) / k.Lanes * k.Lanes }

func (e *sumsFinish) addLevels(first int) {
	for _, levels := range e.T.T {
		block := make([]int64, e.k.Lanes)
		copy(block, levels[first:])
		e.table = append(e.table, block...)
	}
}

// addShifts adds the shifts of a block. To a shift of 0, which rounds nothing, twice the sum and a shift of 1 are the same.
func (e *sumsFinish) addShifts(first int) {
	shift, half := make([]int64, e.k.Lanes), make([]int64, e.k.Lanes)
	for lane := range min(e.k.Lanes, e.Channels-first) {
		c := first + lane
		if e.R.Shift[c] == 0 {
			e.constant[c] *= 2
			for at := c; at < len(e.factors); at += len(e.constant) {
				e.factors[at] *= 2
			}
		}
		shift[lane] = max(1, int64(e.R.Shift[c]))
		half[lane] = 1<<(shift[lane]-1) - 1
	}
	e.table = append(append(e.table, shift...), half...)
}

func (e *sumsFinish) Needs() kernel.Needs {
	n := kernel.Needs{Sums: e.sums()}
	if e.ByImage() {
		n.Sums += len(e.constant) + len(e.factors)
	}
	return n
}

// sums returns the most sums at a time.
func (e *sumsFinish) sums() int { return max(sumsRows, len(e.constant)) }

func (e *sumsFinish) Finish(t kernel.Tile, acc []int32, tensors []kernel.Tensor, s *kernel.Scratch) {
	t, rest := e.k.cut(t)
	if rest.Channels > 0 {
		e.rest.Finish(rest, acc[min(len(acc), t.Channels):], tensors, s)
	}
	if t.Channels == 0 {
		return
	}
	width := e.k.padded(t.Channels)
	each := max(1, sumsRows/width)
	constant, factors, last := e.constant, e.factors, -1 // the image that they are of
	for first, rows := 0, 0; first < t.Rows; first += rows {
		rows = min(each, t.Rows-first)
		if e.ByImage() {
			image, left := e.ImageRows(t, first)
			if rows = min(rows, left); image != last {
				constant, factors = e.ofImage(image, t, tensors, s.Sums[e.sums():])
				last = image
			}
		}
		e.finishRows(t, first, rows, width, acc, tensors, s.Sums, constant, factors)
	}
}

// ofImage returns constants and factors of an image for the channels of a tile, in memory.
func (e *sumsFinish) ofImage(image int, t kernel.Tile, tensors []kernel.Tensor, memory []int64) (constant, factors []int64) {
	padded := len(e.constant)
	constant, factors = memory[:padded], memory[padded:][:len(e.factors)]
	copy(constant, e.constant)
	e.Scale(factors, padded, image, t, tensors)
	e.shift(constant, factors, t.Channel, t.Channel+t.Channels)
	return constant, factors
}

// finishRows finishes some rows of a tile, by sums in rows of the given width.
func (e *sumsFinish) finishRows(t kernel.Tile, first, rows, width int, acc []int32, tensors []kernel.Tensor, sums, constant, factors []int64) {
	k, n, count, sumStride := e.k, t.Channels, e.k.count(t), 8*width
	sums = sums[:rows*width]
	from, to := (t.Row+first)*e.Channels+t.Channel, (t.Row+first+rows-1)*e.Channels+t.Channel+n
	start, startStride := &constant[t.Channel:][:width][0], 0
	for i := range e.Terms {
		m := &factors[i*len(e.constant)+t.Channel:][:width][0]
		if i < e.Own() {
			x := acc[(i*t.Rows+first)*t.Stride:][:(rows-1)*t.Stride+n]
			k.SumWide(&sums[0], sumStride, start, startStride, &x[0], 4*t.Stride, rows, count, m)
		} else if x := &tensors[e.Others[i-e.Own()]]; x.Codes != nil {
			k.SumCodes(&sums[0], sumStride, start, startStride, &x.Codes[from:to][0], e.Channels, rows, count, m)
		} else {
			k.SumWide(&sums[0], sumStride, start, startStride, &x.Wide[from:to][0], 4*e.Channels, rows, count, m)
		}
		start, startStride = &sums[0], sumStride
	}
	out := &tensors[e.Output]
	table := &e.table[t.Channel/k.Lanes*e.blockSize:][:width/k.Lanes*e.blockSize][0]
	switch {
	case e.T != nil:
		k.CompareSums(&out.Codes[from:to][0], e.Channels, &sums[0], sumStride, rows, count, table, len(e.T.T))
	case out.Codes != nil:
		k.RequantizeCodes(&out.Codes[from:to][0], e.Channels, &sums[0], sumStride, rows, count, table, int(e.R.Zero), int(e.R.Lo), int(e.R.Hi))
	default:
		k.RequantizeWide(&out.Wide[from:to][0], 4*e.Channels, &sums[0], sumStride, rows, count, table, int(e.R.Zero), int(e.R.Lo), int(e.R.Hi))
	}
}
