// SPDX-License-Identifier: Apache-2.0

package kernel

// tileLines are the pixels of a class of a block as tiles of rows. The rows of a tile are neighbours in a line, so
// that they lie as far apart in the window, and in the result.
type tileLines struct {
	rows           int     // of a tile
	each, pixels   int     // tiles of a line, and its pixels
	aAt, cAt       []int32 // of the tiles, in bytes of the window and in numbers of the result
	aPitch, cPitch int     // from a pixel of a line to the next, likewise
	matrix         bool    // all pixels of a block are a line
}

// tileLines cuts a class into tiles, of numbers of so many bytes.
func (r *correlation) tileLines(c *class, size int) tileLines {
	t := tileLines{pixels: c.perRow, matrix: r.matrix}
	if t.matrix {
		t.pixels = r.images
	}
	t.each = (t.pixels + tileRows - 1) / tileRows
	t.rows = (t.pixels + t.each - 1) / t.each
	if t.matrix {
		t.rows = min(t.pixels, tileRows) // of a block of fewer pixels, the last tile has fewer
	}
	for first := 0; first < len(c.src); first += t.pixels {
		for i := range t.each {
			at := first + i*t.rows
			if !t.matrix {
				at = min(at, first+t.pixels-t.rows) // the last tile may repeat rows of the one before
			}
			t.aAt, t.cAt = append(t.aAt, int32(size)*c.src[at]), append(t.cAt, c.dst[at])
		}
	}
	if t.pixels > 1 {
		t.aPitch, t.cPitch = size*int(c.src[1]-c.src[0]), int(c.dst[1]-c.dst[0])
	}
	return t
}

// run computes the first n pixels by a product, all but whose rows is set.
func (t *tileLines) run(x tileProduct, n int) {
	whole, rest := n/t.pixels*t.each, 0
	if t.matrix {
		whole, rest = n/t.rows, n%t.rows
	}
	x.aPitch, x.cPitch, x.rows = t.aPitch, t.cPitch, t.rows
	if whole > 0 {
		x.aAt, x.cAt = t.aAt[:whole], t.cAt[:whole]
		x.run()
	}
	if rest > 0 {
		x.aAt, x.cAt, x.rows = t.aAt[whole:whole+1], t.cAt[whole:whole+1], rest
		x.run()
	}
}
