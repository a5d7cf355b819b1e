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

// splitScaled writes the parts of numbers times their scales, which repeat, the greatest part first: they add up to the products.
// Parts lie part apart. The scales are as many as a multiple of tileCols, and src is a multiple of tileCols.
func splitScaled(dst []int16, part int, src, scale []float32) {
	_ = dst[(bfloatParts-1)*part+len(src)-1]
	if tier >= AVX512 {
		vectorSplitScaled(dst, part, src, scale)
		return
	}
	for i, v := range src {
		v = float32(v * scale[i%len(scale)])
		for k := range bfloatParts {
			high := upper(v)
			dst[k*part+i] = high
			v -= widened(high)
		}
	}
}

// pairParts writes the parts of pairs of numbers, as the bits of a float32 number: the part of the first is in the lower half. The
// pairs are rows of n numbers, a multiple of tileCols, of which src has the first ones from even elements of at on, the second ones
// from odd elements on. Parts lie part apart.
func pairParts(dst []float32, part int, src []float32, at []int32, n int) {
	_ = dst[(bfloatParts-1)*part+len(at)/2*n-1]
	if tier >= AVX512 {
		vectorPairParts(dst, part, src, at, n)
		return
	}
	for row := range len(at) / 2 {
		first, second := src[at[2*row]:][:n], src[at[2*row+1]:][:n]
		for i, v := range first {
			w := second[i]
			for k := range bfloatParts {
				low, high := upper(v), upper(w)
				dst[k*part+row*n+i] = math.Float32frombits(uint32(uint16(low)) | uint32(high)<<16)
				v, w = v-widened(low), w-widened(high)
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
