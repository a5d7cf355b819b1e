// SPDX-License-Identifier: Apache-2.0

package kernel

import "math"

// An integerTiling is one call of the micro-kernels for integers: for every row r of the
// tables and every column n < cols,
//
//	c[cRow[r]+n] = sum over k and j of a[first+aRow[r]+aGroup[k]+j]·b(k, n, j) − less[n],
//
// or that added to what c holds if accumulate: exactly, since every sum is within int32,
// and thus in any order. j goes over a group: 2 codes of 16 bits or, if narrow, 4 of 8 bits,
// those of a not negative, and no more groups than foursAtOnce. less and c hold the bits of
// an int32 for each number; there need be no less. c does so or, if there is a scale, float32(sum)·scale[n]. Column n of b is
// column n%tileCols of panel n/tileCols; panels begin next words apart, an even number, their
// rows, of a group for each column, 2·tileCols. All columns of a panel, and as many of less
// and scale, are read whatever cols is; of c only cols are touched. If pitch > 0, the rows of a come in
// fours that lie pitch apart.
type integerTiling struct {
	c          []float32
	cRow       []int32
	a          []int16
	first      int
	aRow       []int32
	aGroup     []int32
	b          []int16
	next       int
	pitch      int
	cols       int
	accumulate bool
	narrow     bool
	less       []float32
	scale      []float32
}

// leastFours is the number of fours of a tiling from which on codes of 8 bits pay: the end
// of a tiling has the sums widened.
const leastFours = 16

// foursAtOnce returns how many fours a tiling of codes of 8 bits may have whose greatest
// magnitudes these are, those of the input not negative; 0 if they are not of 8 bits. VNNI
// adds in 32 bits; VPMADDUBSW adds two products in 16 bits, and their sums, of the even and the
// odd ones, are added in 16 bits.
func foursAtOnce(input, weights int) int {
	switch {
	case input > math.MaxUint8 || weights > math.MaxInt8:
		return 0
	case tier >= AVX512VNNI:
		return math.MaxInt
	}
	return math.MaxInt16 / max(1, 2*input*weights)
}

// nowhere are offsets of 0.
var nowhere [maxPanel]int32

// ofZeros computes the sums of t, of codes of 8 bits, for an input of nothing but codes of 0:
// the others less these are the sums of codes less that of 0.
func (t *integerTiling) ofZeros(sums []float32, zero uint8) {
	two := int16(uint16(zero) | uint16(zero)<<8)
	zeros := integerTiling{
		c: sums, cRow: nowhere[:1], a: []int16{two, two}, aRow: nowhere[:1], aGroup: nowhere[:len(t.aGroup)],
		b: t.b, next: t.next, cols: t.cols, narrow: true,
	}
	zeros.run()
}

// run computes t.
func (t *integerTiling) run() {
	switch {
	case tier > Portable:
		t.runVector()
	case t.narrow:
		fourTilesGeneric(t)
	default:
		integerTilesGeneric(t)
	}
}

// integerTilesGeneric computes a tiling of codes of 16 bits.
func integerTilesGeneric(t *integerTiling) {
	const half = tileCols / 2
	for r, at := range t.aRow {
		a := t.a[t.first+int(at):]
		for n := 0; n < t.cols; n += half {
			panel := t.b[n/tileCols*t.next+n%tileCols*2:]
			var s0, s1, s2, s3, s4, s5, s6, s7 int32
			for k, group := range t.aGroup {
				a, b := (*[2]int16)(a[group:]), (*[2 * half]int16)(panel[k*2*tileCols:])
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
			t.store(r, n, [half]int32{s0, s1, s2, s3, s4, s5, s6, s7})
		}
	}
}

// fourTilesGeneric computes a tiling of codes of 8 bits.
func fourTilesGeneric(t *integerTiling) {
	const half = tileCols / 2
	for r, at := range t.aRow {
		a := bytesOf(t.a)[t.first+int(at):]
		for n := 0; n < t.cols; n += half {
			panel := bytesOf(t.b)[n/tileCols*2*t.next+n%tileCols*4:]
			var s [half]int32
			for k, group := range t.aGroup {
				a, b := (*[4]uint8)(a[group:]), (*[4 * half]uint8)(panel[k*4*tileCols:])
				a0, a1, a2, a3 := int32(a[0]), int32(a[1]), int32(a[2]), int32(a[3])
				for n := range s {
					b := (*[4]uint8)(b[4*n:])
					s[n] += a0*int32(int8(b[0])) + a1*int32(int8(b[1])) + a2*int32(int8(b[2])) + a3*int32(int8(b[3]))
				}
			}
			t.store(r, n, s)
		}
	}
}

// store puts sums into row r of c, from column n on.
func (t *integerTiling) store(r, n int, s [tileCols / 2]int32) {
	c := t.c[int(t.cRow[r])+n:][:min(len(s), t.cols-n)]
	for i := range c {
		v := s[i]
		if t.less != nil {
			v -= int32(math.Float32bits(t.less[n+i]))
		}
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
