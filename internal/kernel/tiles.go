// SPDX-License-Identifier: Apache-2.0

package kernel

// A micro-kernel keeps tileRows x tileCols sums in registers.
const (
	tileRows = 6
	tileCols = 16
)

// A tiling is one call of a micro-kernel: for every row r of the tables and
// every column n < cols,
//
//	c[cRow[r]+n] = sum over k of a[aRow[r]+aStep[k]] * b[k*ldb+n],
//
// in the order of k, or that added to what c holds if accumulate. If perChannel,
// a is read at aRow[r]+aStep[k]+n: column n of a meets column n of b. All
// tileCols columns of b (and of a, if perChannel) are read whatever cols is;
// of c only cols are touched.
type tiling struct {
	c          []float32
	cRow       []int32
	a          []float32
	aRow       []int32
	aStep      []int32
	b          []float32
	ldb        int
	cols       int
	accumulate bool
	perChannel bool
}

// run computes t.
func (t *tiling) run() {
	switch {
	case useAVX2:
		t.runAVX2()
	case t.perChannel:
		channelTilesGeneric(t)
	default:
		matrixTilesGeneric(t)
	}
}

func matrixTilesGeneric(t *tiling) {
	const half = tileCols / 2
	for r, at := range t.aRow {
		a := t.a[at:]
		for n := 0; n < t.cols; n += half {
			c := t.c[int(t.cRow[r])+n:][:min(half, t.cols-n)]
			var s0, s1, s2, s3, s4, s5, s6, s7 float32
			for k, step := range t.aStep {
				v, b := a[step], (*[half]float32)(t.b[k*t.ldb+n:])
				s0 += v * b[0]
				s1 += v * b[1]
				s2 += v * b[2]
				s3 += v * b[3]
				s4 += v * b[4]
				s5 += v * b[5]
				s6 += v * b[6]
				s7 += v * b[7]
			}
			t.store(c, []float32{s0, s1, s2, s3, s4, s5, s6, s7})
		}
	}
}

func channelTilesGeneric(t *tiling) {
	for r, at := range t.aRow {
		c := t.c[t.cRow[r]:][:t.cols]
		var s [tileCols]float32
		for k, step := range t.aStep {
			a, b := (*[tileCols]float32)(t.a[at+step:]), (*[tileCols]float32)(t.b[k*t.ldb:])
			for n := range s {
				s[n] += a[n] * b[n]
			}
		}
		t.store(c, s[:])
	}
}

// store puts the sums s into c, or adds them.
func (t *tiling) store(c, s []float32) {
	if !t.accumulate {
		copy(c, s)
		return
	}
	for n := range c {
		c[n] += s[n]
	}
}
