// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package kernel

// runVector computes t, by VNNI two panels of b at a time.
func (t *integerTiling) runVector() {
	groups := len(t.aGroup)
	if len(t.aRow) == 0 || groups == 0 || t.cols < 1 || len(t.cRow) != len(t.aRow) {
		panic("kernel: empty or uneven tiling of integers")
	}
	last := (t.cols - 1) / tileCols
	_ = t.b[last*t.next+groups*2*tileCols-1]
	for _, perColumn := range [][]float32{t.less, t.scale} {
		if perColumn != nil {
			_ = perColumn[(last+1)*tileCols-1]
		}
	}
	wide := tileCols
	if tier >= AVX512VNNI {
		wide = 2 * tileCols
	}
	for n := 0; n < t.cols; n += wide {
		t.columns(n, min(wide, t.cols-n))
	}
}

// heights returns the rows of the micro-kernels for a number of columns: of the one for most
// rows, and of the one for the rest.
func (t *integerTiling) heights(cols int) (tall, low int) {
	if tier < AVX512VNNI {
		return 6, 6
	}
	return heightsAVX512(cols, t.pitch)
}

// columns computes some columns from n on. Rows missing in the last tile repeat the last
// row: they compute and store the same values again.
func (t *integerTiling) columns(n, cols int) {
	tall, low := t.heights(cols)
	rows := len(t.aRow)
	whole := rows / tall * tall
	t.rows(n, cols, tall, t.cRow[:whole], t.aRow[:whole])
	lower := (rows - whole) / low * low
	t.rows(n, cols, low, t.cRow[whole:whole+lower], t.aRow[whole:whole+lower])
	if whole+lower < rows {
		cRow, aRow := lastRows(t.cRow[whole+lower:]), lastRows(t.aRow[whole+lower:])
		t.rows(n, cols, low, cRow[:low], aRow[:low])
	}
}

// rows computes tiles of the given height.
func (t *integerTiling) rows(n, cols, height int, cRow, aRow []int32) {
	tiles := len(aRow) / height
	most := max(1, maxSums/(len(t.aGroup)*height*cols))
	for i := 0; i < tiles; i += most {
		t.tiles(n, cols, height, &cRow[i*height], &aRow[i*height], min(most, tiles-i))
	}
}

// tiles is one call of a micro-kernel.
func (t *integerTiling) tiles(n, cols, height int, cRow, aRow *int32, tiles int) {
	c, a, first, b, group, groups, add := &t.c[n], &t.a[0], t.first, &t.b[n/tileCols*t.next], &t.aGroup[0], len(t.aGroup), t.accumulate
	next, pitch := t.next/2, t.pitch // of 32-bit numbers
	less, scale := from(t.less, n), from(t.scale, n)
	switch wide := cols > tileCols; {
	case height == 6 && t.narrow:
		fourTiles6x16AVX2(c, cRow, a, first, aRow, tiles, b, group, groups, cols, add, less, scale)
	case height == 6:
		pairTiles6x16AVX2(c, cRow, a, first, aRow, tiles, b, group, groups, cols, add, less, scale)
	case t.narrow && wide && height == 12:
		fourTiles12x32VNNI(c, cRow, a, first, aRow, tiles, b, next, group, groups, cols, add, pitch, less, scale)
	case t.narrow && wide:
		fourTiles4x32VNNI(c, cRow, a, first, aRow, tiles, b, next, group, groups, cols, add, pitch, less, scale)
	case t.narrow && height == tallest:
		fourTiles24x16VNNI(c, cRow, a, first, aRow, tiles, b, next, group, groups, cols, add, pitch, less, scale)
	case t.narrow:
		fourTiles8x16VNNI(c, cRow, a, first, aRow, tiles, b, next, group, groups, cols, add, pitch, less, scale)
	case wide && height == 12:
		pairTiles12x32VNNI(c, cRow, a, first, aRow, tiles, b, next, group, groups, cols, add, pitch, less, scale)
	case wide:
		pairTiles4x32VNNI(c, cRow, a, first, aRow, tiles, b, next, group, groups, cols, add, pitch, less, scale)
	case height == tallest:
		pairTiles24x16VNNI(c, cRow, a, first, aRow, tiles, b, next, group, groups, cols, add, pitch, less, scale)
	default:
		pairTiles8x16VNNI(c, cRow, a, first, aRow, tiles, b, next, group, groups, cols, add, pitch, less, scale)
	}
}

// from returns where element n is, nil if there are none.
func from(s []float32, n int) *float32 {
	if s == nil {
		return nil
	}
	return &s[n]
}
