// SPDX-License-Identifier: Apache-2.0

package kernel

import "math"

const (
	bfloatBytes = 2 // of a bfloat16 number

	// bfloatParts is the number of bfloat16 numbers that a float32 number is the sum of: each has 8
	// of its 24 bits.
	bfloatParts = 3
)

// upper returns the bfloat16 number of the upper half of v, whose lower half is lost.
func upper(v float32) int16 { return int16(math.Float32bits(v) >> 16) }

// splitRows writes the parts of numbers, the greatest first, which add up to them: rows of
// tileCols numbers of src, one after the other, to rows that lie pitch apart, and parts
// that lie part apart.
func splitRows(dst []int16, pitch, part int, src []float32) {
	rows := len(src) / tileCols
	_ = dst[(bfloatParts-1)*part+(rows-1)*pitch+tileCols-1]
	if tier > Portable {
		vectorSplitRows(dst, pitch, part, src)
		return
	}
	for i := range rows {
		for j, v := range src[i*tileCols:][:tileCols] {
			for k := range bfloatParts {
				high := upper(v)
				dst[k*part+i*pitch+j] = high
				v -= widened(high)
			}
		}
	}
}

// widened returns a bfloat16 number as float32.
func widened(v int16) float32 { return math.Float32frombits(uint32(uint16(v)) << 16) }

// pairRows writes the rows of a panel of bfloat16 numbers, as products take them: of each column
// the numbers of two rows, side by side. Row k of the panel is the tileCols numbers of src from
// at[k] on, whose lower halves are lost; the number of rows is even.
func pairRows(dst []int16, src []float32, at []int32) {
	if len(at) == 0 {
		return
	}
	_ = dst[len(at)*tileCols-1]
	if tier > Portable {
		vectorPairRows(dst, src, at)
		return
	}
	for k, from := range at {
		for n, v := range src[from:][:tileCols] {
			dst[(k&^1*tileCols)+2*n+k&1] = upper(v)
		}
	}
}
