// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package kernel

import (
	"errors"

	"github.com/goqat/goqat/internal/amx"
)

// permitTiles asks the operating system for the tiles of AMX.
func permitTiles() error {
	if !amx.BF16 || best < AVX512 {
		return errors.New("this processor has no tiles of AMX")
	}
	return amx.Permit()
}

// maxTileSlices bounds the slices of one assembly call, during which the goroutine cannot be
// preempted, to some 25 microseconds.
const maxTileSlices = 1 << 10

// runTiles computes p by the tiles of the processor, two tiles of rows and two panels at a time.
func (p *bfloatProduct) runTiles() {
	config := tileConfig(p.rows, p.depth)
	tiles := len(p.aAt)
	for panel := 0; panel < p.panels; panel += tilePanels {
		most := 2 * max(1, maxTileSlices/len(p.aStep))
		for i := 0; i < tiles&^1; i += most {
			p.call(&config, panel, i, 2, min(most, tiles&^1-i)/2)
		}
		if tiles%2 > 0 {
			p.call(&config, panel, tiles-1, 1, 1)
		}
	}
}

// call multiplies blocks of m tiles of rows with the next panels.
func (p *bfloatProduct) call(config *[64]byte, panel, tile, m, blocks int) {
	a := bfloatArgs{
		config: config, c: &p.c[panel*tileCols], cAt: &p.cAt[tile], cStride: 4 * p.cPitch,
		a: &p.a[0], aAt: &p.aAt[tile], aStride: 2 * p.aPitch, blocks: blocks, b: &p.b[panel*p.next], next: 2 * p.next,
		aStep: &p.aStep[0], bStep: &p.bStep[0], slices: len(p.aStep),
	}
	switch wide := panel+1 < p.panels; {
	case m == 2 && wide:
		bfloatTiles2x2(&a)
	case m == 2:
		bfloatTiles2x1(&a)
	case wide:
		bfloatTiles1x2(&a)
	default:
		bfloatTiles1x1(&a)
	}
}

// tileConfig returns the configuration of tiles, for rows of so many numbers: registers 0 to 3 are
// sums, 4 and 5 rows, 6 and 7 columns.
func tileConfig(rows, depth int) (config [64]byte) {
	const columns, heights = 16, 48 // where the bytes of a row are, of 16 bits, and the rows
	config[0] = 1                   // the palette
	for t := range 8 {
		wide, high := 4*tileCols, rows
		switch {
		case t >= 6:
			high = depth / 2
		case t >= 4:
			wide = 2 * depth
		}
		config[columns+2*t], config[heights+t] = byte(wide), byte(high)
	}
	return config
}

func vectorSplitRows(dst []int16, pitch, part int, src []float32) {
	for i := 0; i < len(src); i += maxVector {
		n := min(maxVector, len(src)-i)
		splitRowsAVX2(&dst[i/tileCols*pitch], pitch, part, &src[i], n/tileCols)
	}
}

func vectorPairRows(dst []int16, src []float32, at []int32) {
	for i := 0; i < len(at); i += maxVector / tileCols {
		n := min(maxVector/tileCols, len(at)-i)
		pairRowsAVX2(&dst[i*tileCols], &src[0], &at[i], n/2)
	}
}
