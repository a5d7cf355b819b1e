// SPDX-License-Identifier: Apache-2.0

package kernel

const (
	maxPoints   = 84 << 10 // floats of the points of a block, so that they stay in the second-level cache
	spreadBlock = 8        // blocks that a batch should have
	maxMinimal  = 1 << 16  // pairs of channels, of which each has 36 points of weights
)

// A minimalBlock is how a correlation of 3 × 3 taps is cut into blocks of tiles of 4 × 4
// results, and how the points of these are laid out.
type minimalBlock struct {
	*correlation // with the window of whole tiles
	lines        int
	columns      int     // tiles of a line
	tileStep     []int32 // of the points of source channels of a tile
	tileAt       []int32 // of the points of a panel of a tile
	channelStep  []int32 // of a channel
}

// filtersMinimally says whether minimal filtering pays: where most of the tiles is within the
// image, there are channels for whole vectors, and the points of weights stay in a cache. It
// depends on the shape alone, not on the machine.
func (c Conv) filtersMinimally() bool {
	one := [2]int{1, 1}
	return c.Kernel == [2]int{3, 3} && c.Stride == one && c.Dilated() == one && c.Groups == 1 &&
		c.InC%tileCols+c.OutC%tileCols == 0 && c.InC*c.OutC <= maxMinimal && fillsTiles(c.InH, c.InW) && fillsTiles(c.OutH(), c.OutW())
}

func tilesOf(n int) int { return (n + tileSide - 1) / tileSide }

func fillsTiles(h, w int) bool {
	return 2*tileSide*tileSide*tilesOf(h)*tilesOf(w) <= 3*h*w
}

func newMinimalBlock(r *correlation, batch int) minimalBlock {
	c := *r
	b := minimalBlock{correlation: &c, columns: tilesOf(r.dstW), lines: tilesOf(r.dstH)}
	c.direct, c.apart, c.images, c.strips = false, nil, 1, 1
	fit := max(1, maxPoints/(points*(c.srcC+tileCols)))
	if tiles := b.lines * b.columns; tiles <= fit {
		c.images = min(fit/tiles, max(1, batch/spreadBlock))
	} else {
		c.strips = (b.lines + max(1, fit/b.columns) - 1) / max(1, fit/b.columns)
		b.lines = (b.lines + c.strips - 1) / c.strips
		c.strips = (tilesOf(r.dstH) + b.lines - 1) / b.lines
	}
	c.rows = b.lines * tileSide
	c.step = c.rows
	c.winH, c.winW = c.rows+2, b.columns*tileSide+2
	for i := range b.most() {
		b.tileStep = append(b.tileStep, int32(i*c.srcC))
		b.tileAt = append(b.tileAt, int32(i*tileCols))
	}
	for i := range c.srcC {
		b.channelStep = append(b.channelStep, int32(i))
	}
	return b
}

// most returns the tiles of a block at most.
func (m *minimalBlock) most() int { return m.images * m.lines * m.columns }

// sourcePitch returns the floats from a point of the source to the next: an odd number of
// lines of the cache, since points are written one after the other.
func (m *minimalBlock) sourcePitch() int { return oddPitch(m.most() * m.srcC) }

// panelPitch returns the floats from a point of a panel to the next.
func (m *minimalBlock) panelPitch() int { return oddPitch(m.most() * tileCols) }

// A minimalTile is a tile of a block: where it is in the window and in the result, and how
// many of its lines and columns are within the result.
type minimalTile struct{ window, dst, lines, columns int }

// tile returns tile i of a block.
func (m *minimalBlock) tile(i int, b blockRange) minimalTile {
	image, line, column := i/(m.lines*m.columns), i/m.columns%m.lines, i%m.columns
	row := b.row + line*tileSide
	return minimalTile{
		window: ((image*m.winH+line*tileSide)*m.winW + column*tileSide) * m.srcC,
		dst:    (((b.image+image)*m.dstH+row)*m.dstW + column*tileSide) * m.dstC,
		lines:  min(tileSide, m.dstH-row), columns: min(tileSide, m.dstW-column*tileSide),
	}
}

// tiles returns the tiles of a block, those of missing lines at its end left out.
func (m *minimalBlock) tiles(b blockRange) int {
	if m.strips == 1 {
		return b.images * m.lines * m.columns
	}
	return tilesOf(b.rows) * m.columns
}

// sourcePoints writes the points of the source of a block, from its window.
func (m *minimalBlock) sourcePoints(dst, window []float32, b blockRange, tiles int) {
	pitch := m.sourcePitch()
	for i := range tiles {
		valuesToPoints.transform(dst[i*m.srcC:], grid{pointSide * pitch, pitch}, window[m.tile(i, b).window:], grid{m.winW * m.srcC, m.srcC}, m.srcC)
	}
}

// A minimalPass computes a correlation of 3 × 3 taps by minimal filtering.
type minimalPass struct {
	minimalBlock
	pool *Pool

	dst, w  []float32
	src     Values
	batch   int
	weights packing
	pack    packPoints

	followed *followedPass // nil for backward passes
}

// packPoints packs the points of the weights, a panel a tile, as [panel][point][channel].
type packPoints struct{ pass *minimalPass }

func newMinimalPass(r *correlation, batch int, pool *Pool) *minimalPass {
	p := &minimalPass{minimalBlock: newMinimalBlock(r, batch), pool: pool}
	p.pack.pass = p
	window := p.scratch() + points*(p.sourcePitch()+p.panelPitch()) + tileSide*tileSide*tileCols
	pool.reserve(max(window, 9*p.srcC*tileCols), p.panels()*p.panel())
	return p
}

// panel returns the floats of the points of a panel of weights.
func (p *minimalPass) panel() int { return points * p.srcC * tileCols }

func (p *minimalPass) run(dst []float32, src Values, w []float32, batch int) {
	p.dst, p.src, p.w, p.batch = dst, src, w, batch
	if p.weights.begin(p.pool, p.panels()*p.panel()) {
		p.pool.Run(&p.pack, p.panels())
	}
	p.followed.run(p.pool, p, p.correlation, batch, 1)
	p.dst, p.src, p.w = nil, Values{}, nil
}

// Tile packs one panel.
func (t *packPoints) Tile(i, worker int) {
	p := t.pass
	row, taps := p.srcC*tileCols, p.pool.local[worker]
	p.correlation.pack(taps, p.w, &p.classes[0], 0, i*tileCols, 0, 9*p.srcC)
	tapsToPoints.transform(p.weights.panels[i*p.panel():], grid{pointSide * row, row}, taps, grid{3 * row, row}, row)
}

// Tile computes one block.
func (p *minimalPass) Tile(i, worker int) {
	b := p.at(i, p.batch)
	buf := p.pool.local[worker]
	window := p.load(buf, &p.src, b, 0)
	source := buf[p.scratch():]
	sums := source[points*p.sourcePitch():]
	part := sums[points*p.panelPitch():]
	tiles := p.tiles(b)
	p.sourcePoints(source, window, b, tiles)
	coming := ahead{memory: [2][]uint8{p.result(p.dst, b)}, parts: p.panels() * p.cuts() * points}
	if next := i + p.pool.threads; next < p.blocks(p.batch) {
		coming.memory[1] = p.source(&p.src, p.at(next, p.batch))
	}
	for panel := range p.panels() {
		p.products(sums, source, p.weights.panels[panel*p.panel():], tiles, &coming)
		for i := range tiles {
			p.sums(p.tile(i, b), panel*tileCols, sums[i*tileCols:], part)
		}
	}
}

// cuts returns the parts that a sum over the source channels is taken in.
func (p *minimalPass) cuts() int { return (p.srcC + maxPanel - 1) / maxPanel }

// products computes the points of a panel of the results.
func (p *minimalPass) products(sums, source, weights []float32, tiles int, coming *ahead) {
	t := tiling{cRow: p.tileAt[:tiles], aRow: p.tileStep[:tiles], pitch: p.srcC, ldb: tileCols, cols: tileCols}
	if tiles < 4 {
		t.pitch = 0
	}
	cuts := p.cuts()
	for cut := range cuts {
		k0, k1 := cut*p.srcC/cuts, (cut+1)*p.srcC/cuts
		t.aStep, t.accumulate = p.channelStep[k0:k1], cut > 0
		for i := range points {
			t.a, t.b, t.c = source[i*p.sourcePitch():], weights[(i*p.srcC+k0)*tileCols:], sums[i*p.panelPitch():]
			coming.part()
			t.run()
		}
	}
}

// sums stores the results of a tile, of the panel from a channel on.
func (p *minimalPass) sums(t minimalTile, channel int, points, part []float32) {
	from, to := grid{pointSide * p.panelPitch(), p.panelPitch()}, grid{p.dstW * p.dstC, p.dstC}
	dst := p.dst[t.dst+channel:]
	if t.lines == tileSide && t.columns == tileSide {
		pointsToSums.transform(dst, to, points, from, tileCols)
		return
	}
	pointsToSums.transform(part, grid{tileSide * tileCols, tileCols}, points, from, tileCols)
	for r := range t.lines {
		for c := range t.columns {
			copy(dst[r*to.row+c*to.col:][:tileCols], part[(r*tileSide+c)*tileCols:])
		}
	}
}
