// SPDX-License-Identifier: Apache-2.0

package kernel

import "math"

// An integerTiling is one call of the micro-kernels for integers: for every row r of the
// tables and every column n < cols,
//
//	c[cRow[r]+n] = sum over k of a[aRow[r]+aPair[k]]·b(k, n, 0) + a[aRow[r]+aPair[k]+1]·b(k, n, 1),
//
// or that added to what c holds if accumulate: exactly, since every sum is within int32,
// and thus in any order. c holds the bits of an int32 for each sum or, if there is a scale,
// float32(sum)·scale[n]. Column n of b is column n%tileCols of panel n/tileCols; panels
// begin next elements apart, their rows, of a pair for each column, 2·tileCols. All columns
// of a panel, and as many scales, are read whatever cols is; of c only cols are touched.
type integerTiling struct {
	c          []float32
	cRow       []int32
	a          []int16
	aRow       []int32
	aPair      []int32
	b          []int16
	next       int
	cols       int
	accumulate bool
	scale      []float32
}

// run computes t.
func (t *integerTiling) run() {
	if tier > Portable {
		t.runVector()
		return
	}
	integerTilesGeneric(t)
}

func integerTilesGeneric(t *integerTiling) {
	const half = tileCols / 2
	for r, at := range t.aRow {
		a := t.a[at:]
		for n := 0; n < t.cols; n += half {
			c := t.c[int(t.cRow[r])+n:][:min(half, t.cols-n)]
			panel := t.b[n/tileCols*t.next+n%tileCols*2:]
			var s0, s1, s2, s3, s4, s5, s6, s7 int32
			for k, pair := range t.aPair {
				a, b := (*[2]int16)(a[pair:]), (*[2 * half]int16)(panel[k*2*tileCols:])
				u, v := int32(a[0]), int32(a[1])
				s0 += u*int32(b[0]) + v*int32(b[1])
				s1 += u*int32(b[2]) + v*int32(b[3])
				s2 += u*int32(b[4]) + v*int32(b[5])
				s3 += u*int32(b[6]) + v*int32(b[7])
				s4 += u*int32(b[8]) + v*int32(b[9])
				s5 += u*int32(b[10]) + v*int32(b[11])
				s6 += u*int32(b[12]) + v*int32(b[13])
				s7 += u*int32(b[14]) + v*int32(b[15])
			}
			t.store(c, n, [half]int32{s0, s1, s2, s3, s4, s5, s6, s7})
		}
	}
}

// store puts sums into c, from column n on.
func (t *integerTiling) store(c []float32, n int, s [tileCols / 2]int32) {
	for i := range c {
		v := s[i]
		if t.accumulate {
			v += int32(math.Float32bits(c[i]))
		}
		if t.scale == nil {
			c[i] = math.Float32frombits(uint32(v))
		} else {
			c[i] = float32(v) * t.scale[n+i]
		}
	}
}
