// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package kernel

// maxSteps bounds the tiles x steps of one assembly call, during which the
// goroutine cannot be preempted, to some 50 microseconds.
const maxSteps = 1 << 15

// runAVX2 cuts t into calls of whole tiles. Rows missing in the last tile
// repeat the last row: they compute and store the same values again.
func (t *tiling) runAVX2() {
	rows, steps := len(t.aRow), len(t.aStep)
	if rows == 0 || steps == 0 || t.cols < 1 || t.cols > tileCols || len(t.cRow) != rows {
		panic("kernel: empty or uneven tiling")
	}
	_ = t.b[(steps-1)*t.ldb+tileCols-1]
	tiles := rows / tileRows
	most := max(1, maxSteps/steps)
	for i := 0; i < tiles; i += most {
		t.tilesAVX2(&t.cRow[i*tileRows], &t.aRow[i*tileRows], min(most, tiles-i))
	}
	if rest := rows % tileRows; rest > 0 {
		var cRow, aRow [tileRows]int32
		for i := range tileRows {
			r := tiles*tileRows + min(i, rest-1)
			cRow[i], aRow[i] = t.cRow[r], t.aRow[r]
		}
		t.tilesAVX2(&cRow[0], &aRow[0], 1)
	}
}

func (t *tiling) tilesAVX2(cRow, aRow *int32, tiles int) {
	if t.perChannel {
		channelTilesAVX2(&t.c[0], cRow, &t.a[0], aRow, tiles, &t.b[0], t.ldb, &t.aStep[0], len(t.aStep), t.cols, t.accumulate)
	} else {
		matrixTilesAVX2(&t.c[0], cRow, &t.a[0], aRow, tiles, &t.b[0], t.ldb, &t.aStep[0], len(t.aStep), t.cols, t.accumulate)
	}
}
