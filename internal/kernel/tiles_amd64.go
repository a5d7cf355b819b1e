// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package kernel

// maxSums bounds the sums x steps of one assembly call, during which the
// goroutine cannot be preempted, to some 50 microseconds.
const maxSums = 1 << 22

// tallest is the most rows a micro-kernel has.
const tallest = 24

// runVector computes t, by AVX-512 two panels of b at a time.
func (t *tiling) runVector() {
	steps := len(t.aStep)
	if len(t.aRow) == 0 || steps == 0 || t.cols < 1 || len(t.cRow) != len(t.aRow) {
		panic("kernel: empty or uneven tiling")
	}
	last := (t.cols - 1) / tileCols
	_ = t.b[last*t.next+(steps-1)*t.ldb+tileCols-1]
	if t.scale != nil {
		_ = t.scale[(last+1)*tileCols-1]
	}
	wide := tileCols
	if tier >= AVX512 {
		wide = 2 * tileCols
	}
	for n := 0; n < t.cols; n += wide {
		t.columns(n, min(wide, t.cols-n))
	}
}

// heights returns the rows of the micro-kernels for a number of columns: of the
// one for most rows, and of the one for the rest.
func (t *tiling) heights(cols int) (tall, low int) {
	switch {
	case tier < AVX512 && t.perChannel:
		return 6, 3 // together the taps of 3×3
	case tier < AVX512:
		return 6, 5
	case t.perChannel:
		return 12, 4
	default:
		return heightsAVX512(cols, t.pitch)
	}
}

// heightsAVX512 returns the rows of the micro-kernels of AVX-512 for a number of columns and
// rows a pitch apart.
func heightsAVX512(cols, pitch int) (tall, low int) {
	switch {
	case cols > tileCols:
		return 12, 4
	case pitch > 0:
		return tallest, 8
	default:
		return 8, 8
	}
}

// columns computes some columns from n on. Rows missing in the last tile repeat
// the last row: they compute and store the same values again.
func (t *tiling) columns(n, cols int) {
	tall, low := t.heights(cols)
	rows := len(t.aRow)
	whole := wholeTiles(rows, tall, low)
	t.rows(n, cols, tall, t.cRow[:whole], t.aRow[:whole])
	lower := (rows - whole) / low * low
	t.rows(n, cols, low, t.cRow[whole:whole+lower], t.aRow[whole:whole+lower])
	if whole+lower < rows {
		cRow, aRow := lastRows(t.cRow[whole+lower:]), lastRows(t.aRow[whole+lower:])
		t.rows(n, cols, low, cRow[:low], aRow[:low])
	}
}

// wholeTiles returns how many rows are for tall tiles: as many as leave whole low ones, or else as many as there are.
func wholeTiles(rows, tall, low int) int {
	for whole := rows / tall * tall; whole >= 0; whole -= tall {
		if (rows-whole)%low == 0 {
			return whole
		}
	}
	return rows / tall * tall
}

// lastRows returns the rows of the last tile, which repeats the last row.
func lastRows(rows []int32) (all [tallest]int32) {
	for i := range all {
		all[i] = rows[min(i, len(rows)-1)]
	}
	return all
}

// rows computes tiles of the given height.
func (t *tiling) rows(n, cols, height int, cRow, aRow []int32) {
	tiles := len(aRow) / height
	most := max(1, maxSums/(len(t.aStep)*height*cols))
	for i := 0; i < tiles; i += most {
		t.tiles(n, cols, height, &cRow[i*height], &aRow[i*height], min(most, tiles-i))
	}
}

// tiles is one call of a micro-kernel.
func (t *tiling) tiles(n, cols, height int, cRow, aRow *int32, tiles int) {
	c, a, b := &t.c[n], &t.a[0], &t.b[n/tileCols*t.next]
	ldb, next, step, steps, add := t.ldb, t.next, &t.aStep[0], len(t.aStep), t.accumulate
	var scale *float32
	if t.perChannel {
		a = &t.a[n]
	}
	if t.scale != nil {
		scale = &t.scale[n]
	}
	switch wide := cols > tileCols; {
	case t.perChannel && height == 6:
		channelTiles6x16AVX2(c, cRow, a, aRow, tiles, b, ldb, next, step, steps, cols, add, t.pitch, scale)
	case t.perChannel && height == 3:
		channelTiles3x16AVX2(c, cRow, a, aRow, tiles, b, ldb, next, step, steps, cols, add, t.pitch, scale)
	case height == 5:
		matrixTiles5x16AVX2(c, cRow, a, aRow, tiles, b, ldb, next, step, steps, cols, add, t.pitch)
	case height == 6:
		matrixTiles6x16AVX2(c, cRow, a, aRow, tiles, b, ldb, next, step, steps, cols, add, t.pitch)
	case t.perChannel && wide && height == 12:
		channelTiles12x32AVX512(c, cRow, a, aRow, tiles, b, ldb, next, step, steps, cols, add, t.pitch, scale)
	case t.perChannel && wide:
		channelTiles4x32AVX512(c, cRow, a, aRow, tiles, b, ldb, next, step, steps, cols, add, t.pitch, scale)
	case t.perChannel && height == 12:
		channelTiles12x16AVX512(c, cRow, a, aRow, tiles, b, ldb, next, step, steps, cols, add, t.pitch, scale)
	case t.perChannel:
		channelTiles4x16AVX512(c, cRow, a, aRow, tiles, b, ldb, next, step, steps, cols, add, t.pitch, scale)
	case wide && height == 12:
		matrixTiles12x32AVX512(c, cRow, a, aRow, tiles, b, ldb, next, step, steps, cols, add, t.pitch)
	case wide:
		matrixTiles4x32AVX512(c, cRow, a, aRow, tiles, b, ldb, next, step, steps, cols, add, t.pitch)
	case height == tallest:
		matrixTiles24x16AVX512(c, cRow, a, aRow, tiles, b, ldb, next, step, steps, cols, add, t.pitch)
	default:
		matrixTiles8x16AVX512(c, cRow, a, aRow, tiles, b, ldb, next, step, steps, cols, add, t.pitch)
	}
}
