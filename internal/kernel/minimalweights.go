// SPDX-License-Identifier: Apache-2.0

package kernel

// maxMinimalSums is how many floats the sums of a thread may be.
const maxMinimalSums = 1 << 20

// A minimalWeights sums a weight gradient as a weightsPass does, by minimal filtering: over
// the blocks of a chunk it sums points of the taps, and makes taps of these at its end.
type minimalWeights struct {
	*weightsPass
	block minimalBlock
	rows  []int32 // where the rows of channels are among the sums of a point
}

func newMinimalWeights(forward *correlation, batch int, pool *Pool) *minimalWeights {
	p := &minimalWeights{weightsPass: newWeightsPass(forward, pool), block: newMinimalBlock(forward, batch)}
	for i := range p.srcC {
		p.rows = append(p.rows, int32(i*p.width()))
	}
	return p
}

func (p *minimalWeights) reserve(batch int) {
	m := &p.block
	p.pool.reserve(m.scratch()+points*(m.sourcePitch()+m.panelPitch()+p.srcC*p.width())+tileSide*tileSide*tileCols, p.split(m.blocks(batch))*p.partial())
}

func (p *minimalWeights) run(dw []float32, x Values, dy []float32, batch int) {
	p.dw, p.x, p.dy, p.batch = dw, x, dy, batch
	p.chunks = p.split(p.block.blocks(batch))
	p.slices = min(pairs(p.panels()), (minTasks/2+p.chunks-1)/p.chunks)
	p.pool.Run(p, p.chunks*p.slices)
	p.pool.Run(&p.reduce, p.reduce.pieces())
	p.dw, p.x, p.dy = nil, Values{}, nil
}

// Tile sums a slice of the columns over the blocks of one chunk.
func (p *minimalWeights) Tile(i, worker int) {
	m := &p.block
	chunk, slice := i/p.slices, i%p.slices
	from, to := chunkOf(slice, p.slices, p.panels())
	buf := p.pool.local[worker]
	sums := buf[m.scratch()+points*(m.sourcePitch()+m.panelPitch())+tileSide*tileSide*tileCols:]
	blocks := m.blocks(p.batch)
	first := chunk * blocks / p.chunks
	for block := first; block < (chunk+1)*blocks/p.chunks; block++ {
		p.add(sums, buf, from, to, m.at(block, p.batch), block > first)
	}
	row, n := p.srcC*p.width(), p.width()
	part := p.pool.common[chunk*p.partial():]
	for c := range p.srcC {
		at := c*n + from*tileCols
		pointsToTaps.transform(part[at:], grid{3 * row, row}, sums[at:], grid{pointSide * row, row}, (to-from)*tileCols)
	}
}

// add adds the points of a block to those of panels [from, to), or begins them.
func (p *minimalWeights) add(sums, buf []float32, from, to int, b blockRange, accumulate bool) {
	m := &p.block
	window := m.load(buf, &p.x, b, 0)
	source := buf[m.scratch():]
	panel := source[points*m.sourcePitch():]
	part := panel[points*m.panelPitch():][:tileSide*tileSide*tileCols]
	tiles := m.tiles(b)
	m.sourcePoints(source, window, b, tiles)
	t := tiling{cRow: p.rows, aRow: m.channelStep, aStep: m.tileStep[:tiles], pitch: 1, ldb: tileCols, cols: tileCols, accumulate: accumulate}
	for n := from; n < to; n++ {
		for i := range tiles {
			p.points(panel[i*tileCols:], m.tile(i, b), n*tileCols, part)
		}
		for i := range points {
			t.a, t.b, t.c = source[i*m.sourcePitch():], panel[i*m.panelPitch():], sums[i*p.srcC*p.width()+n*tileCols:]
			t.run()
		}
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
