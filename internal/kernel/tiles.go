// SPDX-License-Identifier: Apache-2.0

package kernel

// tileCols is the width of a panel: b is kept in panels of so many columns.
const tileCols = 16

// pair is how many panels are handed to a tiling together: as many as the widest
// micro-kernel takes.
const pair = 2

func pairs(panels int) int { return (panels + pair - 1) / pair }

// chunkOf returns the panels of one of the chunks that whole pairs are cut into.
func chunkOf(chunk, chunks, panels int) (first, last int) {
	n := pairs(panels)
	return chunk * n / chunks * pair, min(panels, (chunk+1)*n/chunks*pair)
}

// A tiling is one call of the micro-kernels: for every row r of the tables and
// every column n < cols,
//
//	c[cRow[r]+n] = sum over k of a[aRow[r]+aStep[k]] * b(k, n),
//
// in the order of k, or that added to what c holds if accumulate. Column n of b
// is column n%tileCols of panel n/tileCols; panels begin next elements apart,
// their rows ldb. If perChannel, a is read at aRow[r]+aStep[k]+n: column n of a
// meets column n of b. All tileCols columns of a panel (and of a, if
// perChannel) are read whatever cols is; of c only cols are touched. If
// pitch > 0, the rows of a come in fours that lie pitch apart. If perChannel and
// there is a scale, what c then holds is multiplied by scale[n], of which all of
// a panel are read, too.
type tiling struct {
	c          []float32
	cRow       []int32
	a          []float32
	aRow       []int32
	aStep      []int32
	b          []float32
	ldb, next  int
	pitch      int
	cols       int
	accumulate bool
	perChannel bool
	scale      []float32
}

// run computes t.
func (t *tiling) run() {
	switch {
	case tier > Portable:
		t.runVector()
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
			panel := t.b[n/tileCols*t.next+n%tileCols:]
			var s0, s1, s2, s3, s4, s5, s6, s7 float32
			for k, step := range t.aStep {
				v, b := a[step], (*[half]float32)(panel[k*t.ldb:])
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
		for n := 0; n < t.cols; n += tileCols {
			c := t.c[int(t.cRow[r])+n:][:min(tileCols, t.cols-n)]
			a, panel := t.a[int(at)+n:], t.b[n/tileCols*t.next:]
			var s [tileCols]float32
			for k, step := range t.aStep {
				a, b := (*[tileCols]float32)(a[step:]), (*[tileCols]float32)(panel[k*t.ldb:])
				for n := range s {
					s[n] += a[n] * b[n]
				}
			}
			t.store(c, s[:])
			if t.scale != nil {
				for i := range c {
					c[i] *= t.scale[n+i]
				}
			}
		}
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

// fours returns the distance of neighbouring rows if it is the same in every
// four of them, else 0.
func fours(rows []int32) (pitch int) {
	if len(rows) < 4 {
		return 0
	}
	d := rows[1] - rows[0]
	for i := 0; i+4 <= len(rows); i += 4 {
		for j := i; j < i+3; j++ {
			if rows[j+1]-rows[j] != d {
				return 0
			}
		}
	}
	return int(d)
}
