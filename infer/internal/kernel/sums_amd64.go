// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package kernel

//go:generate sh -c "cd _asm && ./generate.sh sums"

// sumsFinish sums any number of terms in 64 bits, 16 channels at a time, term after term over some rows, and then
// requantizes or compares these rows.
type sumsFinish struct {
	Epilogue
	constant    []int64   // [channel], less what zero points make of it
	multipliers [][]int64 // [term][channel]
	table       []int64   // see requantizeCodes and compareSums
	blockSize   int       // of the table, in numbers
}

const (
	sumsLanes = 16
	sumsRows  = 1 << 11 // sums of the rows at a time, which stay in the first cache
)

func newSums(e Epilogue) Finisher {
	generic := newGenericFinisher(e)
	if e.R == nil && e.T == nil {
		return generic
	}
	padded := (e.Channels + sumsLanes - 1) / sumsLanes * sumsLanes
	f := &sumsFinish{Epilogue: e, constant: make([]int64, padded)}
	copy(f.constant, generic.constant)
	for i, m := range e.multipliers() {
		f.multipliers = append(f.multipliers, make([]int64, padded))
		copy(f.multipliers[i], m)
		for c, m := range m {
			f.constant[c] -= int64(e.Terms[i].Zero) * m
		}
	}
	for first := 0; first < padded; first += sumsLanes {
		if e.T != nil {
			f.addLevels(first)
		} else {
			f.addShifts(first)
		}
	}
	f.blockSize = len(f.table) / (padded / sumsLanes)
	return f
}

func (e *sumsFinish) addLevels(first int) {
	for _, levels := range e.T.T {
		var block [sumsLanes]int64
		copy(block[:], levels[first:])
		e.table = append(e.table, block[:]...)
	}
}

// addShifts adds the shifts of 16 channels. To a shift of 0, which rounds nothing, twice the sum and a shift of 1 are the same.
func (e *sumsFinish) addShifts(first int) {
	var shift, half [sumsLanes]int64
	for lane := range min(sumsLanes, e.Channels-first) {
		c := first + lane
		if e.R.Shift[c] == 0 {
			e.constant[c] *= 2
			for _, m := range e.multipliers {
				m[c] *= 2
			}
		}
		shift[lane] = max(1, int64(e.R.Shift[c]))
		half[lane] = 1<<(shift[lane]-1) - 1
	}
	e.table = append(append(e.table, shift[:]...), half[:]...)
}

func (e *sumsFinish) Needs() Needs { return Needs{Sums: max(sumsRows, len(e.constant))} }

func (e *sumsFinish) Finish(t Tile, acc []int32, tensors []Tensor, s *Scratch) {
	width := (t.Channels + sumsLanes - 1) / sumsLanes * sumsLanes
	each := max(1, sumsRows/width)
	for first := 0; first < t.Rows; first += each {
		e.finishRows(t, first, min(each, t.Rows-first), width, acc, tensors, s.Sums)
	}
}

// finishRows finishes some rows of a tile, by sums in rows of the given width.
func (e *sumsFinish) finishRows(t Tile, first, rows, width int, acc []int32, tensors []Tensor, sums []int64) {
	n, sumStride := t.Channels, 8*width
	sums = sums[:rows*width]
	from, to := (t.Row+first)*e.Channels+t.Channel, (t.Row+first+rows-1)*e.Channels+t.Channel+n
	start, startStride := &e.constant[t.Channel:][:width][0], 0
	for i, m := range e.multipliers {
		m := &m[t.Channel:][:width][0]
		if i < e.own() {
			x := acc[(i*t.Rows+first)*t.Stride:][:(rows-1)*t.Stride+n]
			sumWide(&sums[0], sumStride, start, startStride, &x[0], 4*t.Stride, rows, n, m)
		} else if x := &tensors[e.Others[i-e.own()]]; x.Codes != nil {
			sumCodes(&sums[0], sumStride, start, startStride, &x.Codes[from:to][0], e.Channels, rows, n, m)
		} else {
			sumWide(&sums[0], sumStride, start, startStride, &x.Wide[from:to][0], 4*e.Channels, rows, n, m)
		}
		start, startStride = &sums[0], sumStride
	}
	out := &tensors[e.Output]
	table := &e.table[t.Channel/sumsLanes*e.blockSize:][:width/sumsLanes*e.blockSize][0]
	switch {
	case e.T != nil:
		compareSums(&out.Codes[from:to][0], e.Channels, &sums[0], sumStride, rows, n, table, len(e.T.T))
	case out.Codes != nil:
		requantizeCodes(&out.Codes[from:to][0], e.Channels, &sums[0], sumStride, rows, n, table, int(e.R.Zero), int(e.R.Lo), int(e.R.Hi))
	default:
		requantizeWide(&out.Wide[from:to][0], 4*e.Channels, &sums[0], sumStride, rows, n, table, int(e.R.Zero), int(e.R.Lo), int(e.R.Hi))
	}
}
