// SPDX-License-Identifier: Apache-2.0

package kernel

const (
	tileRows   = 16 // of a tile, at most
	tileDepth  = 32 // bfloat16 numbers of a row of a tile, at most
	leastRows  = 8  // of a tile: fewer take as much time
	tilePanels = 2  // panels of one call
)

// A bfloatProduct is one call of the products of tiles: for every row r of the tiles of rows of a,
// and every column n of the panels of b,
//
//	c[cAt[i]+r·cPitch+n] = sum over s, and k < depth, of a[aAt[i]+r·aPitch+aStep[s]+k]·b(s, k, n),
//
// of bfloat16 numbers, by float32 as bfloatDot defines it: slice by slice. Column n of b is
// column n%tileCols of panel n/tileCols; panels begin next numbers apart, and have slice s from
// bStep[s] on, as pairRows writes it.
type bfloatProduct struct {
	c           []float32
	cAt         []int32
	cPitch      int
	a           []int16
	aAt         []int32 // of the tiles of rows
	aPitch      int
	b           []int16
	next        int
	aStep       []int32
	bStep       []int32
	panels      int
	rows, depth int // of a tile of a; the depth is even
}

// run computes p.
func (p *bfloatProduct) run() {
	p.check()
	if tiles == processorTiles {
		p.runTiles()
		return
	}
	var slice [tileDepth / 2][2 * tileCols]float64
	for i := range p.cAt {
		for r := range p.rows {
			clear(p.row(i, r))
		}
		for s, step := range p.aStep {
			for panel := range p.panels {
				for k, v := range p.b[panel*p.next+int(p.bStep[s]):][:p.depth*tileCols] {
					slice[k/(2*tileCols)][k%(2*tileCols)] = flushed(widened(v))
				}
				for r := range p.rows {
					a := p.a[int(p.aAt[i]+step)+r*p.aPitch:][:p.depth]
					bfloatDot((*[tileCols]float32)(p.row(i, r)[panel*tileCols:]), a, &slice)
				}
			}
		}
	}
}

// row returns row r of c of a tile.
func (p *bfloatProduct) row(tile, r int) []float32 {
	return p.c[int(p.cAt[tile])+r*p.cPitch:][:p.panels*tileCols]
}

// check panics where p would touch memory that is not its own.
func (p *bfloatProduct) check() {
	if len(p.aAt) == 0 || len(p.cAt) != len(p.aAt) || len(p.aStep) == 0 || len(p.bStep) != len(p.aStep) || p.panels < 1 ||
		p.rows < 1 || p.rows > tileRows || p.depth < 2 || p.depth > tileDepth || p.depth%2 != 0 {
		panic("kernel: empty or uneven product of tiles")
	}
	var a, b, c, step int32
	for i := range p.aAt {
		a, c = max(a, p.aAt[i]), max(c, p.cAt[i])
	}
	for s := range p.aStep {
		step, b = max(step, p.aStep[s]), max(b, p.bStep[s])
	}
	_ = p.a[int(a+step)+(p.rows-1)*p.aPitch+p.depth-1]
	_ = p.b[(p.panels-1)*p.next+int(b)+p.depth*tileCols-1]
	_ = p.c[int(c)+(p.rows-1)*p.cPitch+p.panels*tileCols-1]
}

// bfloatDot adds to c the products of a row of numbers with a slice of a panel, as TDPBF16PS does
// (Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2): those of even k in one
// chain of fused multiplications, from 0 on, those of odd k in another; their sum is added to c.
// Each is rounded to the nearest, ties to even, and numbers below 2^-126 are 0.
//
// A fused multiplication is one of float64 here: the product of bfloat16 numbers has 16 bits, and where
// float64 does not hold its sum with a number of float32, the lesser of the two is below 2^-28 of the
// other, which float32 rounds to whichever way float64 did.
func bfloatDot(c *[tileCols]float32, a []int16, slice *[tileDepth / 2][2 * tileCols]float64) {
	var chains [2 * tileCols]float64
	for k := 0; k < len(a); k += 2 {
		even, odd := flushed(widened(a[k])), flushed(widened(a[k+1]))
		pairs := &slice[k/2]
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
