// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package avx512

// An Interleaving copies several lines of columns to one, in which those below each other are next to each other:
// [column][line][bytes of a column].
type Interleaving struct {
	lines, column int
	columns       int // of a part
	offsets       [8]int
	order         [128]uint8
}

// InterleaveSlack is what an interleaving may read after its lines and write after what it makes of them.
const InterleaveSlack = 128

// NewInterleaving prepares one of 2 to 8 lines, pitch bytes apart, of columns of at most 16 bytes.
func NewInterleaving(lines, column, pitch int) *Interleaving {
	n := &Interleaving{lines: lines, column: column, columns: 16 / column}
	for i := range n.offsets {
		n.offsets[i] = min(i, lines-1) * pitch // the last ones are not used
	}
	for i := range n.columns * lines * column {
		line := i / column % lines
		n.order[i] = uint8(16*line + i/(lines*column)*column + i%column)
	}
	return n
}

// Run interleaves so many columns.
func (n *Interleaving) Run(dst, src []uint8, columns int) {
	parts := (columns + n.columns - 1) / n.columns
	srcStep, dstStep := n.columns*n.column, n.columns*n.column*n.lines
	_, _ = src[n.offsets[n.lines-1]+(parts-1)*srcStep+15], dst[(parts-1)*dstStep+127]
	if n.lines <= 4 {
		interleaveLines4(&dst[0], dstStep, &src[0], srcStep, &n.offsets[0], parts, &n.order)
	} else {
		interleaveLines8(&dst[0], dstStep, &src[0], srcStep, &n.offsets[0], parts, &n.order)
	}
}
