// SPDX-License-Identifier: Apache-2.0

package kernel

const (
	sumDepth    = 512 // pixels of one product of tiles, whose sums are then added
	tileDepth   = tileBytes / bfloatBytes
	groupPanels = 16 // panels of a matrix that are made whole numbers at once
)

// A bfloatWeights computes the gradient of the weights by products of tiles: the rows of a tile
// are output channels, whose gradients at the pixels of a block lie in a line, and panels are
// channels of the input under a tap. The blocks are cut into chunks, each with a partial sum of
// its own; then the partial sums are added in order.
type bfloatWeights struct {
	*correlation
	pool *Pool

	panelAt []int32 // of the panels, offset of the first column from the pixel's in the window
	pixelAt []int32 // of the pixels of a block, in the window
	pitch   int     // pixels of a row of parts, of those of a block and 0 after them
	window  int     // floats
	aAt     []int32 // of the tiles of rows, in the parts
	cAt     [tilePanels][]int32
	aStep   []int32 // of the parts of every slice
	bStep   []int32

	dw, dy []float32
	x      Values
	batch  int
	chunks int // partial sums
	slices int // pieces the panels are cut into
	reduce bfloatReduce
}

// A bfloatReduce adds the partial sums, those of as many panels as a product has a tile.
type bfloatReduce struct{ pass *bfloatWeights }

// newBfloatWeights returns the pass, nil where it does not pay, in few channels, and where places leave 32 bits.
func newBfloatWeights(c Conv, batch int, pool *Pool) *bfloatWeights {
	if c.Groups > 1 || c.InC%tileCols+c.OutC%tileCols > 0 {
		return nil
	}
	p := &bfloatWeights{correlation: newForward(c, batch, true), pool: pool}
	p.reduce.pass = p
	k := &p.classes[0]
	p.pixelAt, p.window = k.src, p.scratch()
	for i := range p.columnPanels() {
		p.panelAt = append(p.panelAt, k.steps[i*tileCols])
	}
	if p.matrix {
		p.matrixWindow()
	}
	pixels := (len(p.pixelAt) + tileDepth - 1) / tileDepth * tileDepth
	p.pitch = (pixels/tileDepth | 1) * tileDepth // an odd number of lines of the cache
	if bfloatParts*bfloatBytes*p.dstC*p.pitch > maxOffset {
		return nil
	}
	for i := range p.dstC / tileRows {
		p.aAt = append(p.aAt, int32(bfloatBytes*i*tileRows*p.pitch))
		for n := range tilePanels {
			p.cAt[n] = append(p.cAt[n], int32(i*tileRows*(n+1)*tileCols))
		}
	}
	for s := range sumDepth / tileDepth {
		for part := range bfloatParts {
			p.aStep = append(p.aStep, int32(bfloatBytes*(part*p.dstC*p.pitch+s*tileDepth)))
			p.bStep = append(p.bStep, int32(bfloatBytes*s*tileDepth*tileCols))
		}
	}
	return p
}

// matrixWindow has the window of a matrix hold some columns at a time.
func (p *bfloatWeights) matrixWindow() {
	pitch := oddPitch(groupPanels * tileCols)
	p.window = p.images * pitch
	p.pixelAt = nil
	for i := range p.images {
		p.pixelAt = append(p.pixelAt, int32(i*pitch))
	}
}

// columnPanels returns the panels of all columns: of each tap, those of the channels.
func (p *bfloatWeights) columnPanels() int { return len(p.classes[0].steps) / tileCols }

// partial returns the floats of a partial sum: [pair of panels][output channel][column].
func (p *bfloatWeights) partial() int { return p.dstC * len(p.classes[0].steps) }

// local returns the floats of scratch: the window, the parts of the gradient, panels of the input
// and sums.
func (p *bfloatWeights) local() int {
	return p.window + (bfloatParts*p.dstC*p.pitch+tilePanels*sumDepth*tileCols)/2 + p.dstC*tilePanels*tileCols
}

// split returns the number of partial sums for a number of blocks.
func (p *bfloatWeights) split(blocks int) int {
	return min(blocks, maxChunks, max(1, maxPartials/p.partial()))
}

func (p *bfloatWeights) reserve(batch int) {
	p.pool.reserve(p.local(), p.split(p.blocks(batch))*p.partial())
}

func (p *bfloatWeights) run(dw []float32, x Values, dy []float32, batch int) {
	p.dw, p.x, p.dy, p.batch = dw, x, dy, batch
	p.chunks = p.split(p.blocks(batch))
	p.slices = min(pairs(p.columnPanels()), (apartTasks+p.chunks-1)/p.chunks)
	p.pool.Run(p, p.chunks*p.slices)
	p.pool.Run(&p.reduce, pairs(p.columnPanels()))
	p.dw, p.x, p.dy = nil, Values{}, nil
}

// Tile sums a slice of the panels over the blocks of one chunk.
func (p *bfloatWeights) Tile(i, worker int) {
	chunk, slice := i/p.slices, i%p.slices
	s := bfloatSums{bfloatWeights: p, sum: p.pool.common[chunk*p.partial():][:p.partial()]}
	s.first, s.last = chunkOf(slice, p.slices, p.columnPanels())
	buf := p.pool.local[worker]
	cut := func(n int) (part []float32) {
		part, buf = buf[:n], buf[n:]
		return part
	}
	s.window, s.parts = cut(p.window), wordsOf(cut(bfloatParts*p.dstC*p.pitch/2))
	s.panels, s.product = wordsOf(cut(tilePanels*sumDepth*tileCols/2)), cut(p.dstC*tilePanels*tileCols)
	blocks := p.blocks(p.batch)
	for block := chunk * blocks / p.chunks; block < (chunk+1)*blocks/p.chunks; block++ {
		s.add(p.at(block, p.batch))
		s.begun = true
	}
}

// bfloatSums are panels [first, last) of a partial sum under way, and the scratch of a thread.
type bfloatSums struct {
	*bfloatWeights
	sum         []float32
	first, last int
	begun       bool      // the sum has a block
	window      []float32 // whole numbers of the input
	parts       []int16   // of the gradient: [part][output channel][pixel]
	panels      []int16
	product     []float32 // of a block, to be added to the sum
}

// add adds the pixels of one block to the sum, or begins it.
func (s *bfloatSums) add(b blockRange) {
	n := s.classes[0].pixels(b)
	s.split(b, n)
	if !s.matrix {
		s.load(s.window, &s.x, b, 1/s.x.Step)
	}
	for q := s.first; q < s.last; q += tilePanels {
		group := (q - s.first) % groupPanels
		if s.matrix && group == 0 {
			s.columns(b, q*tileCols, min(s.last, q+groupPanels)*tileCols)
		}
		s.multiply(q, group, n)
	}
}

// split writes the parts of the gradient at n pixels, and zeros up to a whole slice.
func (s *bfloatSums) split(b blockRange, n int) {
	dy := s.dy[(b.image*s.dstH+b.row)*s.dstW*s.dstC:]
	columns := s.product[:s.dstC*tileCols]
	at := 0
	for ; at < n; at += tileCols {
		transpose(columns, dy[at*s.dstC:], s.dstC, min(tileCols, n-at), s.dstC)
		splitRows(s.parts[at:], s.pitch, s.dstC*s.pitch, columns)
	}
	if end := (n + tileDepth - 1) / tileDepth * tileDepth; at < end {
		for row := range bfloatParts * s.dstC {
			clear(s.parts[row*s.pitch:][at:end])
		}
	}
}

// columns writes the whole numbers of columns [from, to) of the pixels of a block of a matrix.
func (s *bfloatSums) columns(b blockRange, from, to int) {
	for i := range b.images {
		row, at := s.window[s.pixelAt[i]:][:to-from], (b.image+i)*s.srcC+from
		if s.x.Codes == nil {
			WholeSteps(row, s.x.Real[at:], 1/s.x.Step)
		} else {
			ReadCodes(row, s.x.Codes[at:], s.x.Zero, 1)
		}
	}
}

// multiply adds the products of n pixels with panel q, number group of the window of a matrix, and the
// panel after it, or begins their sum.
func (s *bfloatSums) multiply(q, group, n int) {
	panels := min(tilePanels, s.last-q)
	sum := s.sum[s.dstC*q*tileCols:][:s.dstC*panels*tileCols]
	for k0 := 0; k0 < n; k0 += sumDepth {
		depth := min(sumDepth, n-k0)
		for i := range panels {
			from := int32((group + i) * tileCols)
			if !s.matrix {
				from = s.panelAt[q+i]
			}
			s.panel(s.panels[i*sumDepth*tileCols:], s.window[from:], k0, depth)
		}
		slices := bfloatParts * ((depth + tileDepth - 1) / tileDepth)
		x := tileProduct{
			c: s.product, cAt: s.cAt[panels-1], cPitch: panels * tileCols, a: bytesOf(s.parts[k0:]), aAt: s.aAt, aPitch: bfloatBytes * s.pitch,
			b: bytesOf(s.panels), next: bfloatBytes * sumDepth * tileCols, aStep: s.aStep[:slices], bStep: s.bStep[:slices],
			panels: panels, rows: tileRows, depth: tileBytes, floats: true,
		}
		if first := !s.begun && k0 == 0; first {
			x.c = sum
			x.run()
			continue
		}
		x.run()
		Add(sum, sum, x.c)
	}
}

// panel writes a panel of pixels [k0, k0+n) of the window, and zeros up to a whole slice. An odd
// pixel is there twice: its gradient is not.
func (s *bfloatSums) panel(dst []int16, window []float32, k0, n int) {
	pixels := s.pixelAt[k0 : k0+n]
	even := n &^ 1
	pairRows(dst, window, pixels[:even])
	if even < n {
		twice := [2]int32{pixels[even], pixels[even]}
		pairRows(dst[even*tileCols:], window, twice[:])
		even += 2
	}
	clear(dst[even*tileCols : (n+tileDepth-1)/tileDepth*tileDepth*tileCols])
}

// Tile adds the partial sums of panels and stores them, times the step of the input.
func (t *bfloatReduce) Tile(i, _ int) {
	p := t.pass
	q, columns := i*tilePanels, len(p.classes[0].steps)
	width := min(tilePanels, p.columnPanels()-q) * tileCols
	at := p.dstC * q * tileCols
	sum := p.pool.common[at:][:p.dstC*width]
	for chunk := 1; chunk < p.chunks; chunk++ {
		Add(sum, sum, p.pool.common[chunk*p.partial()+at:])
	}
	for o := range p.dstC {
		dw := p.dw[o*columns+q*tileCols:][:width]
		for n, v := range sum[o*width:][:width] {
			dw[n] = v * p.x.Step
		}
	}
}
