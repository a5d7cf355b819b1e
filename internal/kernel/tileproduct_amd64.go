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
func (p *tileProduct) runTiles() {
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
func (p *tileProduct) call(config *[64]byte, panel, tile, m, blocks int) {
	a := tileArgs{
		config: config, c: &p.c[panel*tileCols], cAt: &p.cAt[tile], cStride: 4 * p.cPitch,
		a: &p.a[0], aAt: &p.aAt[tile], aStride: p.aPitch, blocks: blocks, b: &p.b[panel*p.next], next: p.next,
		aStep: &p.aStep[0], bStep: &p.bStep[0], slices: len(p.aStep),
	}
	switch wide := panel+1 < p.panels; {
	case p.floats && m == 2 && wide:
		floatTiles2x2(&a)
	case p.floats && m == 2:
		floatTiles2x1(&a)
	case p.floats && wide:
		floatTiles1x2(&a)
	case p.floats:
		floatTiles1x1(&a)
	case m == 2 && wide:
		codeTiles2x2(&a)
	case m == 2:
		codeTiles2x1(&a)
	case wide:
		codeTiles1x2(&a)
	default:
		codeTiles1x1(&a)
	}
}

// tileConfig returns the configuration of tiles, for rows of so many bytes: registers 0 to 3 are
// sums, 4 and 5 rows, 6 and 7 columns.
func tileConfig(rows, depth int) (config [64]byte) {
	const columns, heights = 16, 48 // where the bytes of a row are, of 16 bits, and the rows
	config[0] = 1                   // the palette
	for t := range 8 {
		wide, high := 4*tileCols, rows
		switch {
		case t >= 6:
			high = depth / 4
		case t >= 4:
			wide = depth
		}
		config[columns+2*t], config[heights+t] = byte(wide), byte(high)
	}
	return config
}
