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
const maxTileSlices = 1 << 9

// maxWhole is how many bytes of panels stay in the first-level cache beside the rows.
const maxWhole = 32 << 10

// maxBlocks is how many blocks a call has at most.
const maxBlocks = 64

// runTiles computes p by the tiles of the processor, two tiles of rows and two panels at a time.
func (p *tileProduct) runTiles() {
	evenTiles, evenPanels := len(p.aAt)&^1, len(p.bAt)&^1
	x := tileCall{product: p, config: tileConfig(p.rows, p.depth), whole: len(p.bAt)*len(p.bStep)*p.depth*tileCols <= maxWhole}
	x.blocks(2, 2, 0, evenTiles, 0, evenPanels)
	x.blocks(2, 1, 0, evenTiles, evenPanels, len(p.bAt))
	x.blocks(1, 2, evenTiles, len(p.aAt), 0, evenPanels)
	x.blocks(1, 1, evenTiles, len(p.aAt), evenPanels, len(p.bAt))
}

// A tileCall collects blocks of m tiles of rows and n panels.
type tileCall struct {
	product *tileProduct
	config  [64]byte
	whole   bool // all panels stay in the first-level cache: rows of c are written whole
	m, n    int
	places  [maxBlocks * 6]int32
	count   int // of blocks
}

// blocks multiplies tiles of rows [tile, tiles) with panels [panel, panels), in blocks of m by n.
func (x *tileCall) blocks(m, n, tile, tiles, panel, panels int) {
	p := x.product
	x.m, x.n = m, n
	most := max(1, min(maxBlocks, maxTileSlices/(len(p.aStep)*p.parts())))
	across, down := (panels-panel)/n, (tiles-tile)/m
	for k := range across * down {
		i, j := tile+k%down*m, panel+k/down*n
		if x.whole {
			i, j = tile+k/across*m, panel+k%across*n
		}
		at := x.places[x.count*(2*m+n):][:2*m+n]
		copy(at, p.aAt[i:i+m])
		copy(at[m:], p.bAt[j:j+n])
		for k := range m {
			at[m+n+k] = int32(p.place(i+k, j))
		}
		if x.count++; x.count == most {
			x.run()
		}
	}
	x.run()
}

// run multiplies the blocks there are.
func (x *tileCall) run() {
	if x.count == 0 {
		return
	}
	p := x.product
	a := tileArgs{
		config: &x.config, c: &p.c[0], cStride: 4 * p.cPitch, a: &p.a[0], aStride: p.aPitch, part: p.part, b: &p.b[0],
		places: &x.places[0], blocks: x.count, aStep: &p.aStep[0], bStep: &p.bStep[0], slices: len(p.aStep),
	}
	x.count = 0
	switch wide := x.n == 2; {
	case p.floats && x.m == 2 && wide:
		floatTiles2x2(&a)
	case p.floats && x.m == 2:
		floatTiles2x1(&a)
	case p.floats && wide:
		floatTiles1x2(&a)
	case p.floats:
		floatTiles1x1(&a)
	case x.m == 2 && wide:
		codeTiles2x2(&a)
	case x.m == 2:
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
