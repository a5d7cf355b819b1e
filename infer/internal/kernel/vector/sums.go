// SPDX-License-Identifier: Apache-2.0

package vector

import "github.com/goqat/goqat/infer/internal/kernel"

// sumsFinish sums any number of terms in 64 bits, a block of channels at a time, term after term over some rows, and then
// requantizes or compares these rows.
type sumsFinish struct {
	kernel.Epilogue
	rest      kernel.Finisher
	k         *Sums
	constant  []int64   // [channel], less what zero points make of it
	factors   [][]int64 // [term][channel]
	table     []int64   // see Sums
	blockSize int       // of the table, in numbers
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
	if e.R == nil && e.T == nil {
		return kernel.NewFinish(e)
	}
	k := p.Sums
	padded := k.padded(e.Channels)
	f := &sumsFinish{Epilogue: e, rest: kernel.NewFinish(e), k: k, constant: make([]int64, padded)}
	copy(f.constant, e.Constants())
	for i, m := range e.Multipliers() {
		f.factors = append(f.factors, make([]int64, padded))
		copy(f.factors[i], m)
		for c, m := range m {
			f.constant[c] -= int64(e.Terms[i].Zero) * m
		}
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
			for _, m := range e.factors {
				m[c] *= 2
			}
		}
		shift[lane] = max(1, int64(e.R.Shift[c]))
		half[lane] = 1<<(shift[lane]-1) - 1
	}
	e.table = append(append(e.table, shift...), half...)
}

func (e *sumsFinish) Needs() kernel.Needs { return kernel.Needs{Sums: max(sumsRows, len(e.constant))} }

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
	for first := 0; first < t.Rows; first += each {
		e.finishRows(t, first, min(each, t.Rows-first), width, acc, tensors, s.Sums)
	}
}

// finishRows finishes some rows of a tile, by sums in rows of the given width.
func (e *sumsFinish) finishRows(t kernel.Tile, first, rows, width int, acc []int32, tensors []kernel.Tensor, sums []int64) {
	k, n, count, sumStride := e.k, t.Channels, e.k.count(t), 8*width
	sums = sums[:rows*width]
	from, to := (t.Row+first)*e.Channels+t.Channel, (t.Row+first+rows-1)*e.Channels+t.Channel+n
	start, startStride := &e.constant[t.Channel:][:width][0], 0
	for i, m := range e.factors {
		m := &m[t.Channel:][:width][0]
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
