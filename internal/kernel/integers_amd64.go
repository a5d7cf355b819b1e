// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package kernel

const (
	integerRows = 6
	codeLanes   = 16
)

// runVector computes t, a panel of b at a time.
func (t *integerTiling) runVector() {
	groups := len(t.aGroup)
	if len(t.aRow) == 0 || groups == 0 || t.cols < 1 || len(t.cRow) != len(t.aRow) {
		panic("kernel: empty or uneven tiling of integers")
	}
	last := (t.cols - 1) / tileCols
	_ = t.b[last*t.next+groups*2*tileCols-1]
	if t.scale != nil {
		_ = t.scale[(last+1)*tileCols-1]
	}
	for n := 0; n < t.cols; n += tileCols {
		t.columns(n, min(tileCols, t.cols-n))
	}
}

// columns computes some columns from n on. Rows missing in the last tile repeat the last
// row: they compute and store the same values again.
func (t *integerTiling) columns(n, cols int) {
	rows := len(t.aRow)
	whole := rows / integerRows * integerRows
	t.rows(n, cols, t.cRow[:whole], t.aRow[:whole])
	if whole < rows {
		var cRow, aRow [integerRows]int32
		for i := range integerRows {
			r := whole + min(i, rows-whole-1)
			cRow[i], aRow[i] = t.cRow[r], t.aRow[r]
		}
		t.rows(n, cols, cRow[:], aRow[:])
	}
}

// rows computes whole tiles.
func (t *integerTiling) rows(n, cols int, cRow, aRow []int32) {
	var scale *float32
	if t.scale != nil {
		scale = &t.scale[n]
	}
	tiles := len(aRow) / integerRows
	most := max(1, maxSums/(len(t.aGroup)*integerRows*tileCols))
	for i := 0; i < tiles; i += most {
		c, cr, ar, b, call := &t.c[n], &cRow[i*integerRows], &aRow[i*integerRows], &t.b[n/tileCols*t.next], min(most, tiles-i)
		if t.narrow {
			fourTiles6x16AVX2(c, cr, &t.a[0], t.first, ar, call, b, &t.aGroup[0], len(t.aGroup), cols, t.accumulate, scale)
		} else {
			pairTiles6x16AVX2(c, cr, &t.a[0], t.first, ar, call, b, &t.aGroup[0], len(t.aGroup), cols, t.accumulate, scale)
		}
	}
}

func vectorWholeSteps(dst, src []float32, inverse float32) int {
	n := len(dst) &^ (lanes - 1)
	for i := 0; i < n; i += maxVector {
		wholeStepsAVX2(&dst[i], &src[i], min(maxVector, n-i), inverse)
	}
	return n
}

// vectorCodes does all of 16 elements and more: the last vector begins before the end of
// the one before it.
func vectorCodes(dst []int16, src []float32, inverse float32) (n int, numbers bool) {
	n = len(dst)
	if n < codeLanes {
		return 0, true
	}
	bad := 0
	whole := n &^ (codeLanes - 1)
	for i := 0; i < whole; i += maxVector {
		bad |= codesAVX2(&dst[i], &src[i], min(maxVector, whole-i), inverse)
	}
	if whole < n {
		bad |= codesAVX2(&dst[n-codeLanes], &src[n-codeLanes], codeLanes, inverse)
	}
	return n, bad == 0
}

// vectorNarrowCodes is vectorCodes for codes of 8 bits.
func vectorNarrowCodes(dst []uint8, src []float32, inverse float32, zero uint8) (n int, numbers bool) {
	n = len(dst)
	if n < codeLanes {
		return 0, true
	}
	bad := 0
	whole := n &^ (codeLanes - 1)
	for i := 0; i < whole; i += maxVector {
		bad |= narrowCodesAVX2(&dst[i], &src[i], min(maxVector, whole-i), inverse, zero)
	}
	if whole < n {
		bad |= narrowCodesAVX2(&dst[n-codeLanes], &src[n-codeLanes], codeLanes, inverse, zero)
	}
	return n, bad == 0
}

// vectorReadCodes does all of 8 elements and more, as vectorCodes does.
func vectorReadCodes(dst []float32, src []uint8, zero uint8, step float32) int {
	n := len(dst)
	if n < lanes {
		return 0
	}
	whole := n &^ (lanes - 1)
	for i := 0; i < whole; i += maxVector {
		readCodesAVX2(&dst[i], &src[i], min(maxVector, whole-i), float32(zero), step)
	}
	if whole < n {
		readCodesAVX2(&dst[n-lanes], &src[n-lanes], lanes, float32(zero), step)
	}
	return n
}

// vectorWidenCodes does all of 16 elements and more, as vectorCodes does.
func vectorWidenCodes(dst []int16, src []uint8, zero uint8) int {
	n := len(dst)
	if n < codeLanes {
		return 0
	}
	whole := n &^ (codeLanes - 1)
	for i := 0; i < whole; i += maxVector {
		widenCodesAVX2(&dst[i], &src[i], min(maxVector, whole-i), int16(zero))
	}
	if whole < n {
		widenCodesAVX2(&dst[n-codeLanes], &src[n-codeLanes], codeLanes, int16(zero))
	}
	return n
}
