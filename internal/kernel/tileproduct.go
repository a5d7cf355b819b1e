// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"encoding/binary"
	"math"
	"slices"
)

const (
	tileRows   = 16 // of a tile, at most
	tileBytes  = 64 // of a row of a tile, at most
	tilePanels = 2  // whose sums lie side by side
	leastRows  = 8  // of a tile: fewer take as much time
)

// A tileProduct is one call of the products of tiles: for every row r of the tiles of rows of a,
// and every column n of the panels of b,
//
//	c(i, r, n) = sum over s and k of a(aAt[i]+r·aPitch+aStep[s], k)·b(s, k, n),
//
// slice by slice, each of depth bytes of a. The operands are codes of 8 bits, those of a not negative,
// and sums the bits of int32, exact; or they are bfloat16 numbers, and sums float32 numbers, as bfloatDot
// defines them. Then a has bfloatParts parts, part bytes apart, each of which is multiplied, slice after slice. Places in
// a and b are in bytes. Column n of b is column n%tileCols of panel n/tileCols; panel j begins at bAt[j], and has slice s
// from bStep[s] on: rows of 4 bytes of each column. Row r of tile i has the sums of panels j and j+1, an even j, side by side from
// c[cAt[i]+j/2·cPair+r·cPitch] on.
type tileProduct struct {
	c            []float32
	cAt          []int32
	cPair        int
	cPitch       int
	a            []uint8
	aAt          []int32 // of the tiles of rows
	aPitch, part int
	b            []uint8
	bAt          []int32 // of the panels
	aStep        []int32
	bStep        []int32
	rows, depth  int  // of a tile of a; the depth is a multiple of 4
	floats       bool // bfloat16
}

// parts returns how many parts a has.
func (p *tileProduct) parts() int {
	if p.floats {
		return bfloatParts
	}
	return 1
}

// place returns where the sums of a tile of rows and a panel begin.
func (p *tileProduct) place(tile, panel int) int {
	return int(p.cAt[tile]) + panel/tilePanels*p.cPair + panel%tilePanels*tileCols
}

// run computes p.
func (p *tileProduct) run() {
	p.check()
	if tiles == processorTiles {
		p.runTiles()
		return
	}
	for i, at := range p.aAt {
		for j, panel := range p.bAt {
			c := p.c[p.place(i, j):]
			for r := range p.rows {
				clear(c[r*p.cPitch:][:tileCols])
			}
			for s, step := range p.aStep {
				b := p.b[panel+p.bStep[s]:][:p.depth*tileCols]
				if !p.floats {
					p.addCodes(c, p.a[at+step:], b)
					continue
				}
				p.addFloats(c, p.a[at+step:], b)
			}
		}
	}
}

// check panics where p would touch memory that is not its own.
func (p *tileProduct) check() {
	if len(p.aAt) == 0 || len(p.cAt) != len(p.aAt) || len(p.aStep) == 0 || len(p.bStep) != len(p.aStep) || len(p.bAt) == 0 ||
		p.rows < 1 || p.rows > tileRows || p.depth < 4 || p.depth > tileBytes || p.depth%4 != 0 {
		panic("kernel: empty or uneven product of tiles")
	}
	most := func(list []int32) int { return int(slices.Max(list)) }
	panels := len(p.bAt)
	_ = p.a[most(p.aAt)+most(p.aStep)+(p.parts()-1)*p.part+(p.rows-1)*p.aPitch+p.depth-1]
	_ = p.b[most(p.bAt)+most(p.bStep)+p.depth*tileCols-1]
	_ = p.c[most(p.cAt)+(panels-1)/tilePanels*p.cPair+(panels-1)%tilePanels*tileCols+(p.rows-1)*p.cPitch+tileCols-1]
}

// addCodes adds the products of a slice of codes to the sums of a tile, in one panel.
func (p *tileProduct) addCodes(c []float32, a, b []uint8) {
	for r := range p.rows {
		row, sums := a[r*p.aPitch:][:p.depth], c[r*p.cPitch:][:tileCols]
		for n, v := range sums {
			sum := int32(math.Float32bits(v))
			for k := 0; k < len(row); k += 4 {
				x, y := (*[4]uint8)(row[k:]), (*[4]uint8)(b[k*tileCols+4*n:])
				sum += int32(x[0])*int32(int8(y[0])) + int32(x[1])*int32(int8(y[1])) + int32(x[2])*int32(int8(y[2])) + int32(x[3])*int32(int8(y[3]))
			}
			sums[n] = math.Float32frombits(uint32(sum))
		}
	}
}

// addFloats adds the products of a slice of bfloat16 numbers to the sums of a tile, in one panel, part by part.
func (p *tileProduct) addFloats(c []float32, a, b []uint8) {
	var slice bfloatPanel
	for k := 0; k < len(b); k += 2 {
		slice[k/(4*tileCols)][k/2%(2*tileCols)] = bfloatAt(b, k)
	}
	for part := range bfloatParts {
		for r := range p.rows {
			bfloatDot((*[tileCols]float32)(c[r*p.cPitch:]), a[part*p.part+r*p.aPitch:][:p.depth], &slice)
		}
	}
}

// A bfloatPanel is a slice of a panel: rows of pairs of numbers, those of a column side by side.
type bfloatPanel [tileBytes / 4][2 * tileCols]float64

// bfloatAt returns a bfloat16 number.
func bfloatAt(b []uint8, at int) float64 {
	return flushed(widened(int16(binary.LittleEndian.Uint16(b[at:]))))
}

// bfloatDot adds to c the products of a row of numbers with a slice of a panel, as TDPBF16PS does
// (Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2): those of even k in one
// chain of fused multiplications, from 0 on, those of odd k in another; their sum is added to c.
// Each is rounded to the nearest, ties to even, and numbers below 2^-126 are 0.
//
// A fused multiplication is one of float64 here: the product of bfloat16 numbers has 16 bits, and where
// float64 does not hold its sum with a number of float32, the lesser of the two is below 2^-28 of the
// other, which float32 rounds to whichever way float64 did.
func bfloatDot(c *[tileCols]float32, a []uint8, slice *bfloatPanel) {
	var chains [2 * tileCols]float64
	for k := 0; k < len(a); k += 4 {
		even, odd := bfloatAt(a, k), bfloatAt(a, k+2)
		pairs := &slice[k/4]
		for n := 0; n < len(chains); n += 2 {
			chains[n] = flushed(float32(even*pairs[n] + chains[n]))
			chains[n+1] = flushed(float32(odd*pairs[n+1] + chains[n+1]))
		}
	}
	for n := range c {
		sum := flushed(float32(chains[2*n] + chains[2*n+1]))
		c[n] = float32(flushed(float32(flushed(c[n]) + sum)))
	}
}

// flushed returns v, or 0 of its sign if it is below 2^-126.
func flushed(v float32) float64 {
	if v < 0x1p-126 && v > -0x1p-126 {
		v *= 0
	}
	return float64(v)
}
