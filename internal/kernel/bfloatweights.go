// SPDX-License-Identifier: Apache-2.0

package kernel

import "github.com/goqat/goqat/geometry"

const (
	bandSlices = 16        // slices of one product of tiles, whose sums are then added: of 512 pixels
	blockPairs = 256       // pairs of pixels a block should have
	bandRows   = 128       // output channels whose parts of the gradient are made at once
	maxProduct = 4 << 10   // floats of a product, so that they stay in the first-level cache
	maxColumn  = 128 << 10 // bytes a panel of the window should have at most
	maxColumns = 512 << 10 // bytes that all of them should have at most
	maxLine    = 4 << 10   // floats of a line of the input that are paired at once
)

// A bfloatWeights computes the gradient of the weights by products of tiles: the rows of a tile are output channels, and panels are
// channels of the input under a tap. What is summed over, the pixels of a block, are pairs, of a pixel in the first half of the
// images of the block and of the same pixel in the second half. So both operands have the pairs whole, whatever the tap, and are
// read in whole lines of the cache.
//
// The blocks are cut into chunks, each with a partial sum of its own; then the partial sums are added in order.
type bfloatWeights struct {
	Conv
	pool       *Pool
	merged     int  // images of the caller that are one of the pass
	h, w       axis // rows and columns of the window of a block
	outH, outW int  // of the result

	pairs, rows, strips int // pairs of images of a block; its rows of the result, and the strips of an image

	each, lanes int     // slices of a row of the result, and pairs of a slice
	pitch       int     // bytes of a line of the window
	panel       int     // bytes of a panel of the window, of 16 channels
	group       int     // panels of the window
	taps        []int32 // of the taps in a panel, ascending
	kernelAt    []int   // the place of each in the kernel
	piece       int     // columns of a line that are paired at once
	spread      []int32 // of the pairs of such a piece, in the order of the window: offsets of the pixels of both
	steps       []int32 // of the slices of a block, in a panel
	pixelAt     []int32 // of the slices of a row, the pixels of every pair, from the row's
	aStep       []int32 // of the slices of a band, in the parts of the gradient
	aAt         []int32 // of the tiles of rows, likewise
	cAt         []int32 // of these in the product

	dw, dy   []float32
	x        Values
	batch    int
	partials []float32
	chunks   int // partial sums
	slices   int // pieces the panels are cut into
	reduce   bfloatReduce
}

// A bfloatReduce adds the partial sums, those of two panels a tile.
type bfloatReduce struct{ pass *bfloatWeights }

// newBfloatWeights returns the pass, nil where it does not pay, in few channels, and where places leave 32 bits.
func newBfloatWeights(c Conv, batch int, pool *Pool) *bfloatWeights {
	if c.Groups > 1 || c.InC%tileCols+c.OutC%tileCols > 0 {
		return nil
	}
	merged := 1
	if c.InH*c.InW*c.OutH()*c.OutW()*c.Taps() == 1 {
		// The pixels of a matrix are those of lines.
		merged = min(blockPairs, (batch+apartTasks*tileRows-1)/(apartTasks*tileRows)*tileRows)
		c.InW, c.Window = merged, geometry.Window{Kernel: [2]int{1, 1}, Stride: [2]int{1, 1}}
		batch = (batch + merged - 1) / merged
	}
	p := &bfloatWeights{Conv: c, pool: pool, merged: merged, outH: c.OutH(), outW: c.OutW(), rows: c.OutH(), strips: 1}
	p.reduce.pass = p
	p.pairs = max((blockPairs+p.outH*p.outW-1)/(p.outH*p.outW), (tileRows+p.outW-1)/p.outW)
	p.pairs = min(p.pairs, (batch+1)/2)
	p.w = c.along(1).forward(p.outW)
	columns := (p.w.size + c.Stride[1] - 1) / c.Stride[1] // of a phase of the stride
	p.pitch = tileBytes * c.Stride[1] * columns * p.pairs
	if fit := max(1, (maxColumn/p.pitch-c.along(0).extent())/c.Stride[0]+1); fit < p.rows {
		p.strips = (p.rows + fit - 1) / fit
		p.rows = (p.rows + p.strips - 1) / p.strips
	}
	p.h = c.along(0).forward(p.rows)
	p.panel = p.h.size * p.pitch
	p.group = min((p.InC/tileCols+1)&^1, max(2, maxColumns/p.panel&^1))
	if max(2*p.pairs*c.OutSize(), p.group*p.panel) > maxOffset {
		return nil
	}
	p.tables(columns)
	return p
}

// tables fills the tables.
func (p *bfloatWeights) tables(columns int) {
	for _, kh := range p.h.phases[0].taps {
		for phase := range p.Stride[1] {
			for _, kw := range p.w.phases[0].taps {
				if at := kw * p.Dilated()[1]; at%p.Stride[1] == phase {
					p.taps = append(p.taps, int32(kh*p.Dilated()[0]*p.pitch+tileBytes*p.pairs*(phase*columns+at/p.Stride[1])))
					p.kernelAt = append(p.kernelAt, kh*p.Kernel[1]+kw)
				}
			}
		}
	}
	wide := p.outW * p.pairs
	p.each = (wide + tileRows - 1) / tileRows
	p.lanes = (wide + p.each - 1) / p.each
	for i := range p.rows * p.each {
		p.steps = append(p.steps, int32(i/p.each*p.Stride[0]*p.pitch+tileBytes*p.lane(i)))
	}
	p.piece = p.w.size
	if p.Stride[1] == 1 {
		p.piece = min(p.piece, max(1, maxLine/(2*p.pairs*p.channels())))
	}
	for phase := range p.Stride[1] {
		for i := range (p.piece + p.Stride[1] - 1) / p.Stride[1] {
			at := min(i*p.Stride[1]+phase, p.piece-1)
			for pair := range p.pairs {
				for half := range 2 {
					p.spread = append(p.spread, int32(((half*p.pairs+pair)*p.piece+at)*p.channels()))
				}
			}
		}
	}
	for i := range p.each * p.lanes {
		at := p.lane(i/p.lanes) + i%p.lanes
		for half := range 2 {
			p.pixelAt = append(p.pixelAt, int32((half*p.pairs+at%p.pairs)*p.outH*p.outW+at/p.pairs))
		}
	}
	for i := range bandSlices {
		p.aStep = append(p.aStep, int32(i*bfloatParts*tileBytes*min(p.OutC, bandRows)))
	}
	for i := range min(p.OutC, bandRows) / tileRows {
		p.aAt, p.cAt = append(p.aAt, int32(i*tileRows*tileBytes)), append(p.cAt, int32(i*tileRows*tilePanels*tileCols))
	}
}

// lane returns the first pair of slice i of a block in its row. The last slice of a row may begin with pairs of the one before.
func (p *bfloatWeights) lane(i int) int {
	return min(i%p.each*p.lanes, p.outW*p.pairs-p.lanes)
}

// channels returns the input channels of the window.
func (p *bfloatWeights) channels() int { return min(p.InC, p.group*tileCols) }

// band returns the output channels whose parts are made at once.
func (p *bfloatWeights) band() int { return min(p.OutC, bandRows) }

// inputs returns how many times there are 16 input channels.
func (p *bfloatWeights) inputs() int { return p.InC / tileCols }

// columns returns the panels of all columns: of each 16 channels, those of the taps.
func (p *bfloatWeights) columns() int { return p.inputs() * len(p.taps) }

// pairFloats returns the floats of the sums of two panels: [output channel][panel][column].
func (p *bfloatWeights) pairFloats() int { return p.OutC * tilePanels * tileCols }

// partial returns the floats of a partial sum.
func (p *bfloatWeights) partial() int { return pairs(p.columns()) * p.pairFloats() }

// blocks returns the number of blocks of a batch.
func (p *bfloatWeights) blocks(batch int) int {
	images := 2 * p.pairs * p.merged
	return (batch + images - 1) / images * p.strips
}

// A bfloatScratch is how many floats of scratch a thread needs: the window, a line of the input, the parts of the gradient, as they
// are made and as tiles, and a product.
type bfloatScratch struct{ window, line, made, parts, product int }

func (p *bfloatWeights) local() bfloatScratch {
	made := bfloatParts * tileRows * p.band()
	return bfloatScratch{p.group * p.panel / 4, 2 * p.pairs * p.piece * p.channels(), made, bandSlices * made, max(maxProduct, p.band()*tilePanels*tileCols)}
}

func (n bfloatScratch) total() int { return n.window + n.line + n.made + n.parts + n.product }

// split returns the number of partial sums for a number of blocks.
func (p *bfloatWeights) split(blocks int) int {
	return min(blocks, maxChunks, max(1, maxPartials/p.partial()))
}

func (p *bfloatWeights) reserve(batch int) {
	p.pool.reserve(p.local().total(), p.split(p.blocks(batch))*p.partial())
}

// begin takes the arguments of a run, whose partial sums are in the common scratch from a place on.
func (p *bfloatWeights) begin(dw []float32, x Values, dy []float32, batch, at int) {
	p.dw, p.x, p.dy, p.batch = dw, x, dy, batch
	p.chunks = p.split(p.blocks(batch))
	p.partials = p.pool.common[at:]
}

// end adds the partial sums and forgets the arguments.
func (p *bfloatWeights) end() {
	p.pool.Run(&p.reduce, pairs(p.columns()))
	p.dw, p.x, p.dy, p.partials = nil, Values{}, nil, nil
}

func (p *bfloatWeights) run(dw []float32, x Values, dy []float32, batch int) {
	p.begin(dw, x, dy, batch, 0)
	p.slices = min(pairs(p.inputs()), (apartTasks+p.chunks-1)/p.chunks)
	p.pool.Run(p, p.chunks*p.slices)
	p.end()
}

// Tile sums a slice of the panels over the blocks of one chunk.
func (p *bfloatWeights) Tile(i, worker int) {
	s := p.sums(i/p.slices, i%p.slices, p.pool.local[worker])
	first, last := p.blocksOf(i / p.slices)
	for block := first; block < last; block++ {
		s.add(block)
	}
}

// blocksOf returns the blocks [first, last) of a chunk.
func (p *bfloatWeights) blocksOf(chunk int) (first, last int) {
	blocks := p.blocks(p.batch)
	return chunk * blocks / p.chunks, (chunk + 1) * blocks / p.chunks
}

// sums returns the sums of a slice of the panels over a chunk, to begin with, whose scratch is in memory.
func (p *bfloatWeights) sums(chunk, slice int, memory []float32) bfloatSums {
	s := bfloatSums{bfloatWeights: p, sum: p.partials[chunk*p.partial():][:p.partial()]}
	s.first, s.last = chunkOf(slice, p.slices, pairs(p.inputs()))
	s.first, s.last = pair*s.first, min(pair*s.last, p.inputs())
	cut := func(n int) (part []float32) {
		part, memory = memory[:n], memory[n:]
		return part
	}
	n := p.local()
	s.window, s.parts, s.made, s.line, s.product = wordsOf(cut(n.window)), cut(n.parts), cut(n.made), cut(n.line), cut(n.product)
	return s
}

// bfloatSums are the panels of input channels [first, last), in sixteens, of a partial sum under way, and the scratch of a thread.
type bfloatSums struct {
	*bfloatWeights
	sum         []float32
	first, last int
	begun       bool // the sum has a block

	image, row int       // of the block
	window     []int16   // whole numbers of the input: [panel][line][phase of the stride][column][pair of images][channel][half]
	line       []float32 // those of a line: [image][column][channel]
	made       []float32 // parts of the gradient: [part][pair of pixels][output channel]
	parts      []float32 // the same: [slice][part][output channel][pair]
	product    []float32 // to be added to the sum
}

// add adds the pixels of a block to the sum, or begins it.
func (s *bfloatSums) add(block int) {
	s.image, s.row = block/s.strips*2*s.pairs, block%s.strips*s.rows
	slices := min(s.rows, s.outH-s.row) * s.each
	for q := s.first; q < s.last; q += s.group {
		panels := min(s.last-q, s.group)
		s.load(q, panels)
		for o := 0; o < s.OutC; o += bandRows {
			for from := 0; from < slices; from += bandSlices {
				n := min(bandSlices, slices-from)
				s.split(o, from, n)
				s.multiply(q, panels*len(s.taps), o, from, n)
			}
		}
	}
	s.begun = true
}

// load writes the window of a block, of so many times 16 channels.
func (s *bfloatSums) load(q, panels int) {
	lines := (min(s.rows, s.outH-s.row)-1)*s.Stride[0] + s.along(0).extent()
	for i := range lines {
		for column := 0; column < s.w.size; column += s.piece {
			n := min(s.piece, s.w.size-column)
			for image := range 2 * s.pairs {
				s.whole(s.line[image*s.piece*s.channels():], s.image+image, s.row*s.Stride[0]+s.h.start+i, column+s.w.start, n, q*tileCols, panels*tileCols)
			}
			rows := s.spread
			if s.Stride[1] == 1 {
				rows = rows[:2*s.pairs*n]
			}
			at := (i*s.pitch + tileBytes*s.pairs*column) / bfloatBytes
			for k := range panels {
				pairRows(s.window[k*s.panel/bfloatBytes+at:], s.line[k*tileCols:], rows)
			}
		}
	}
}

// whole writes the whole numbers of n pixels of a line of an image from a column on, of channels [from, from+channels), and zeros in the padding
// and where there is no such image.
func (s *bfloatSums) whole(dst []float32, image, row, column, n, from, channels int) {
	all := s.channels()
	first, last := 0, 0
	if row >= 0 && row < s.InH {
		first = min(n, max(0, -column))
		last = max(first, min(n, s.InW-column, s.batch*s.InH*s.InW/s.merged-(image*s.InH+row)*s.InW-column))
	}
	clear(dst[:first*all])
	clear(dst[last*all : n*all])
	if first == last {
		return
	}
	at := ((image*s.InH+row)*s.InW+column+first)*s.InC + from
	each, times := channels, last-first
	if channels == s.InC {
		each, times = times*channels, 1
	}
	for i := range times {
		row, in := dst[first*all+i*all:][:each], at+i*s.InC
		if s.x.Codes == nil {
			WholeSteps(row, s.x.Real[in:], 1/s.x.Step)
		} else {
			ReadCodes(row, s.x.Codes[in:], s.x.Zero, 1)
		}
	}
}

// split writes the parts of the gradient of n slices of a block, of output channels from o on.
func (s *bfloatSums) split(o, from, n int) {
	channels := min(bandRows, s.OutC-o)
	pixels := s.outH * s.outW
	base := s.image * pixels
	last := s.batch*pixels/s.merged - 1 - base // where there is none, any pixel does: the input is 0 there
	dy := s.dy[base*s.OutC+o:]
	var at [2 * tileRows]int32
	for i := from; i < from+n; i++ {
		for j, pixel := range s.pixelAt[i%s.each*2*s.lanes:][:2*s.lanes] {
			at[j] = int32(min(last, int(pixel)+(s.row+i/s.each)*s.outW) * s.OutC)
		}
		pairParts(s.made, tileRows*channels, dy, at[:2*s.lanes], channels)
		again := i%s.each*s.lanes - s.lane(i)
		for part := range bfloatParts {
			rows := s.made[part*tileRows*channels:]
			clear(rows[:again*channels])
			transpose(s.parts[((i-from)*bfloatParts+part)*tileRows*s.band():], rows, channels, tileRows, channels)
		}
	}
}

// multiply adds the products of n slices to the sums of panels from those of 16 input channels on, or begins them.
func (s *bfloatSums) multiply(q, panels, o, from, n int) {
	channels := min(bandRows, s.OutC-o)
	x := tileProduct{
		cAt: s.cAt[:channels/tileRows], cPitch: tilePanels * tileCols,
		a: Bytes(s.parts), aAt: s.aAt[:channels/tileRows], aPitch: tileBytes, part: tileBytes * s.band(),
		b: bytesOf(s.window), aStep: s.aStep[:n], bStep: s.steps[from : from+n], rows: tileRows, depth: 4 * s.lanes, floats: true,
	}
	var at [maxProduct / tileRows / tileCols]int32
	most := max(tilePanels, maxProduct/(channels*tileCols)&^1)
	for panel := 0; panel < panels; panel += most {
		x.bAt = at[:min(most, panels-panel)]
		for i := range x.bAt {
			x.bAt[i] = int32((panel+i)/len(s.taps)*s.panel) + s.taps[(panel+i)%len(s.taps)]
		}
		sums := s.sum[(q*len(s.taps)+panel)/tilePanels*s.pairFloats()+o*tilePanels*tileCols:]
		if !s.begun && from == 0 {
			x.c, x.cPair = sums, s.pairFloats()
			x.run()
			continue
		}
		x.c, x.cPair = s.product, channels*tilePanels*tileCols
		x.run()
		for i := range pairs(len(x.bAt)) {
			sum := sums[i*s.pairFloats():][:x.cPair]
			Add(sum, sum, x.c[i*x.cPair:])
		}
	}
}

// Tile adds the partial sums of two panels and stores them, times the step of the input.
func (t *bfloatReduce) Tile(i, _ int) {
	p := t.pass
	at, n := i*p.pairFloats(), p.pairFloats()
	sum := p.partials[at:][:n]
	for chunk := 1; chunk < p.chunks; chunk++ {
		Add(sum, sum, p.partials[chunk*p.partial()+at:])
	}
	for panel := tilePanels * i; panel < min(p.columns(), tilePanels*(i+1)); panel++ {
		column := p.kernelAt[panel%len(p.taps)]*p.InC + panel/len(p.taps)*tileCols
		for o := range p.OutC {
			dw := p.dw[o*len(p.taps)*p.InC+column:][:tileCols]
			for n, v := range sum[(o*tilePanels+panel%tilePanels)*tileCols:][:tileCols] {
				dw[n] = v * p.x.Step
			}
		}
	}
}
