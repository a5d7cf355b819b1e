// SPDX-License-Identifier: Apache-2.0

package kernel

// maxMinimalSums is how many floats the sums of a thread may be.
const maxMinimalSums = 1 << 20

// A minimalWeights sums a weight gradient as a weightsPass does, by minimal filtering: over
// the blocks of a chunk it sums points of the taps, a panel of columns at a time, and makes
// taps of these in its last block.
type minimalWeights struct {
	*weightsPass
	block minimalBlock
	rows  []int32 // where the rows of channels are among the sums of a point
}

func newMinimalWeights(forward *correlation, batch int, pool *Pool) *minimalWeights {
	p := &minimalWeights{weightsPass: newWeightsPass(forward, pool), block: newMinimalBlock(forward, batch)}
	for i := range p.srcC {
		p.rows = append(p.rows, int32(i*tileCols))
	}
	return p
}

// sumsPitch returns the floats from the sums of a point to those of the next, of a panel.
func (p *minimalWeights) sumsPitch() int { return oddPitch(p.srcC * tileCols) }

func (p *minimalWeights) reserve(batch int) {
	m := &p.block
	p.pool.reserve(m.scratch()+points*(m.sourcePitch()+m.panelPitch()+p.panels()*p.sumsPitch())+tileSide*tileSide*tileCols, p.split(m.blocks(batch))*p.partial())
}

func (p *minimalWeights) run(dw []float32, x Values, dy []float32, batch int) {
	p.dw, p.x, p.dy, p.batch = dw, x, dy, batch
	p.chunks = p.split(p.block.blocks(batch))
	p.slices = min(pairs(p.panels()), (minTasks/2+p.chunks-1)/p.chunks)
	p.pool.Run(p, p.chunks*p.slices)
	p.pool.Run(&p.reduce, p.reduce.pieces())
	p.dw, p.x, p.dy = nil, Values{}, nil
}

// begin returns the first block of a chunk.
func (p *minimalWeights) begin(chunk int) int { return chunk * p.block.blocks(p.batch) / p.chunks }

// Tile sums a slice of the columns over the blocks of one chunk.
func (p *minimalWeights) Tile(i, worker int) {
	m, buf := &p.block, p.pool.local[worker]
	source := buf[m.scratch():]
	panel := source[points*m.sourcePitch():]
	part := panel[points*m.panelPitch():][:tileSide*tileSide*tileCols]
	sums := panel[points*m.panelPitch()+len(part):]
	chunk, slice := i/p.slices, i%p.slices
	from, to := chunkOf(slice, p.slices, p.panels())
	first, end := p.begin(chunk), p.begin(chunk+1)
	for block := first; block < end; block++ {
		next := block + 1
		if next == end {
			next = p.begin((i + p.pool.threads) / p.slices)
		}
		coming := p.coming(next, (to-from)*points)
		b := m.at(block, p.batch)
		tiles := m.tiles(b)
		m.sourcePoints(source, m.load(buf, &p.x, b, 0), b, tiles)
		for n := from; n < to; n++ {
			for i := range tiles {
				p.points(panel[i*tileCols:], m.tile(i, b), n*tileCols, part)
			}
			of := sums[(n-from)*points*p.sumsPitch():]
			p.products(of, source, panel, tiles, block > first, &coming)
			if block == end-1 {
				p.taps(p.pool.common[chunk*p.partial()+n*tileCols:], of)
			}
		}
	}
}

// coming asks for a block in parts, if there is such a block.
func (p *minimalWeights) coming(block, parts int) ahead {
	a := ahead{parts: parts}
	if block < p.block.blocks(p.batch) {
		b := p.block.at(block, p.batch)
		a.memory = [...][]uint8{p.block.source(&p.x, b), p.block.result(p.dy, b)}
	}
	return a
}

// products adds the products of the points of a block to the sums of a panel, or begins them.
func (p *minimalWeights) products(sums, source, panel []float32, tiles int, accumulate bool, coming *ahead) {
	m := &p.block
	t := tiling{cRow: p.rows, aRow: m.channelStep, aStep: m.tileStep[:tiles], pitch: 1, ldb: tileCols, cols: tileCols, accumulate: accumulate}
	for i := range points {
		t.a, t.b, t.c = source[i*m.sourcePitch():], panel[i*m.panelPitch():], sums[i*p.sumsPitch():]
		coming.part()
		t.run()
	}
}

// taps makes the taps of a panel from their sums at points.
func (p *minimalWeights) taps(part, sums []float32) {
	row, pitch := p.srcC*p.width(), p.sumsPitch()
	for c := range p.srcC {
		pointsToTaps.transform(part[c*p.width():], grid{3 * row, row}, sums[c*tileCols:], grid{pointSide * pitch, pitch}, tileCols)
	}
}

// points writes the points of a tile of the gradient, of the panel from a channel on.
func (p *minimalWeights) points(dst []float32, t minimalTile, channel int, part []float32) {
	pitch := p.block.panelPitch()
	src, from := p.dy[t.dst+channel:], grid{p.dstW * p.dstC, p.dstC}
	if t.lines < tileSide || t.columns < tileSide {
		clear(part)
		for r := range t.lines {
			for c := range t.columns {
				copy(part[(r*tileSide+c)*tileCols:][:tileCols], src[r*from.row+c*from.col:])
			}
		}
		src, from = part, grid{tileSide * tileCols, tileCols}
	}
	sumsToPoints.transform(dst, grid{pointSide * pitch, pitch}, src, from, tileCols)
}
