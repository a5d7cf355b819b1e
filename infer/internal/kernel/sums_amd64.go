// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package kernel

//go:generate sh -c "cd _asm && ./generate.sh sums"
//go:generate sh -c "cd _asm && ./generate.sh sumsavx2"

// sumsFinish sums any number of terms in 64 bits, a block of channels at a time, term after term over some rows, and then
// requantizes or compares these rows.
type sumsFinish struct {
	*genericFinish
	k         *sumsKernels
	constant  []int64   // [channel], less what zero points make of it
	factors   [][]int64 // [term][channel]
	table     []int64   // see requantizeCodes and compareSums
	blockSize int       // of the table, in numbers
}

// sumsKernels are the loops of sums and of comparisons. Count is the number of channels, or of whole blocks where other
// channels are left to portable Go.
type sumsKernels struct {
	lanes           int // channels of a block
	whole           bool
	sumWide         func(sums *int64, sumStride int, from *int64, fromStride int, x *int32, xStride, rows, count int, m *int64)
	sumCodes        func(sums *int64, sumStride int, from *int64, fromStride int, x *uint8, xStride, rows, count int, m *int64)
	requantizeCodes func(dst *uint8, dstStride int, sums *int64, sumStride, rows, count int, table *int64, zero, least, most int)
	requantizeWide  func(dst *int32, dstStride int, sums *int64, sumStride, rows, count int, table *int64, zero, least, most int)
	compareSums     func(dst *uint8, dstStride int, sums *int64, sumStride, rows, count int, levels *int64, planes int)
	comparePlanes   func(dst *uint8, dstStride int, acc *int32, accStride, rows, count int, intervals *int32, planes int)
	compareRows     func(dst *uint8, dstStride int, acc *int32, accStride, rows, count int, intervals *int32) // of one plane; nil for none
}

var (
	sumsAVX512 = &sumsKernels{16, false, sumWide, sumCodes, requantizeCodes, requantizeWide, compareSums, comparePlanes, compareRows}
	sumsAVX2   = &sumsKernels{8, true, sumWideAVX2, sumCodesAVX2, requantizeCodesAVX2, requantizeWideAVX2, compareSumsAVX2, comparePlanesAVX2, nil}
)

// cut returns a tile without the channels behind its last whole block, and a tile of those, where blocks must be whole.
func (k *sumsKernels) cut(t Tile) (blocks, rest Tile) {
	if k.whole {
		n := t.Channels / k.lanes * k.lanes
		rest = Tile{t.Row, t.Rows, t.Channel + n, t.Channels - n, t.Stride}
		t.Channels = n
	}
	return t, rest
}

// count returns the channels of a tile as the loops count them.
func (k *sumsKernels) count(t Tile) int {
	if k.whole {
		return t.Channels / k.lanes
	}
	return t.Channels
}

const sumsRows = 1 << 11 // sums of the rows at a time, which stay in the first cache

func newSums(e Epilogue, k *sumsKernels) Finisher {
	generic := newGenericFinisher(e)
	if e.R == nil && e.T == nil {
		return generic
	}
	padded := k.padded(e.Channels)
	f := &sumsFinish{genericFinish: generic, k: k, constant: make([]int64, padded)}
	copy(f.constant, generic.constant)
	for i, m := range e.multipliers() {
		f.factors = append(f.factors, make([]int64, padded))
		copy(f.factors[i], m)
		for c, m := range m {
			f.constant[c] -= int64(e.Terms[i].Zero) * m
		}
	}
	for first := 0; first < padded; first += k.lanes {
		if e.T != nil {
			f.addLevels(first)
		} else {
			f.addShifts(first)
		}
	}
	f.blockSize = len(f.table) / (padded / k.lanes)
	return f
}

// padded returns the channels of whole blocks for so many.
func (k *sumsKernels) padded(channels int) int { return (channels + k.lanes - 1) / k.lanes * k.lanes }

func (e *sumsFinish) addLevels(first int) {
	for _, levels := range e.T.T {
		block := make([]int64, e.k.lanes)
		copy(block, levels[first:])
		e.table = append(e.table, block...)
	}
}

// addShifts adds the shifts of a block. To a shift of 0, which rounds nothing, twice the sum and a shift of 1 are the same.
func (e *sumsFinish) addShifts(first int) {
	shift, half := make([]int64, e.k.lanes), make([]int64, e.k.lanes)
	for lane := range min(e.k.lanes, e.Channels-first) {
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

func (e *sumsFinish) Needs() Needs { return Needs{Sums: max(sumsRows, len(e.constant))} }

func (e *sumsFinish) Finish(t Tile, acc []int32, tensors []Tensor, s *Scratch) {
	t, rest := e.k.cut(t)
	if rest.Channels > 0 {
		e.genericFinish.Finish(rest, acc[min(len(acc), t.Channels):], tensors, s)
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
func (e *sumsFinish) finishRows(t Tile, first, rows, width int, acc []int32, tensors []Tensor, sums []int64) {
	k, n, count, sumStride := e.k, t.Channels, e.k.count(t), 8*width
	sums = sums[:rows*width]
	from, to := (t.Row+first)*e.Channels+t.Channel, (t.Row+first+rows-1)*e.Channels+t.Channel+n
	start, startStride := &e.constant[t.Channel:][:width][0], 0
	for i, m := range e.factors {
		m := &m[t.Channel:][:width][0]
		if i < e.own() {
			x := acc[(i*t.Rows+first)*t.Stride:][:(rows-1)*t.Stride+n]
			k.sumWide(&sums[0], sumStride, start, startStride, &x[0], 4*t.Stride, rows, count, m)
		} else if x := &tensors[e.Others[i-e.own()]]; x.Codes != nil {
			k.sumCodes(&sums[0], sumStride, start, startStride, &x.Codes[from:to][0], e.Channels, rows, count, m)
		} else {
			k.sumWide(&sums[0], sumStride, start, startStride, &x.Wide[from:to][0], 4*e.Channels, rows, count, m)
		}
		start, startStride = &sums[0], sumStride
	}
	out := &tensors[e.Output]
	table := &e.table[t.Channel/k.lanes*e.blockSize:][:width/k.lanes*e.blockSize][0]
	switch {
	case e.T != nil:
		k.compareSums(&out.Codes[from:to][0], e.Channels, &sums[0], sumStride, rows, count, table, len(e.T.T))
	case out.Codes != nil:
		k.requantizeCodes(&out.Codes[from:to][0], e.Channels, &sums[0], sumStride, rows, count, table, int(e.R.Zero), int(e.R.Lo), int(e.R.Hi))
	default:
		k.requantizeWide(&out.Wide[from:to][0], 4*e.Channels, &sums[0], sumStride, rows, count, table, int(e.R.Zero), int(e.R.Lo), int(e.R.Hi))
	}
}
