// SPDX-License-Identifier: Apache-2.0

package kernel

// leastFloats is how many numbers the rows of a tile must have, of the 32 they can. By three parts they do
// four times as much in a cycle then as float32 does.
const leastFloats = 24

// BackwardInputIntegers computes dx as BackwardInput does, of weights that are whole numbers of
// the steps of s, MostWeights at most. By tiles (see [AMX]), dy is multiplied by the step of the
// channel and split in bfloat16 parts, whose products with the whole numbers are summed.
func (p *ConvPlan) BackwardInputIntegers(dx, dy, w []float32, batch int, s Integers) {
	if !p.byTiles(&s) {
		p.BackwardInput(dx, dy, w, batch)
		return
	}
	p.check(Real(dx), dy, w, batch)
	p.bfloatInput.run(dx, dy, w, batch*p.pixels, s.Weights)
}

// byTiles says whether the gradient of the input is taken by tiles, of weights that are whole numbers of the steps of s.
func (p *ConvPlan) byTiles(s *Integers) bool {
	return p.bfloatInput != nil && tiles != noTiles && s.wholeWeights()
}

// wholeWeights says whether the whole numbers of the weights can be told, and bfloat16 has them.
func (s *Integers) wholeWeights() bool {
	for _, step := range s.Weights {
		if !Usable(step) {
			return false
		}
	}
	return len(s.Weights) > 0 && s.MostWeights <= MostCode
}

// A bfloatInput computes the gradient of the input by products of tiles: the rows of a tile are
// pixels of a line that meet the same taps, the columns of a panel are channels of the input.
type bfloatInput struct {
	*correlation
	pool *Pool

	tiled     []tiledClass // of the classes
	window    int          // numbers of a part of the window
	packed    int          // floats of all panels
	perSource int          // weights of a channel of the source

	dst, src, w []float32
	batch       int
	chunks      int       // pieces the panels of a block are cut into
	scale       []float32 // by channel of the source
	weights     packing
	whole       wholeTask
	pack        packBfloats
}

// A tiledClass is how a class is cut into tiles.
type tiledClass struct {
	tileLines
	depth        int     // bytes of a slice
	aStep, bStep []int32 // of the slices
	bAt          []int32 // of the panels
	weight       []int32 // of every product, the place of its weight for column 0
	packed       int     // where the panels begin, in floats
}

// wholeTask makes whole numbers of the weights, an output channel a tile.
type wholeTask struct{ pass *bfloatInput }

// packBfloats packs the weights of a pass, a panel a tile.
type packBfloats struct{ pass *bfloatInput }

// newBfloatInput returns the pass, nil where it does not pay, in few channels or lines of few pixels, and
// where places leave 32 bits. That depends on the shape and the batch alone.
func newBfloatInput(c Conv, batch int, pool *Pool) *bfloatInput {
	if c.Groups > 1 || c.InC%tileCols+c.OutC%tileCols > 0 {
		return nil
	}
	p := &bfloatInput{correlation: newBackwardInput(c, batch, true), pool: pool}
	p.window = (p.images*p.winH*p.winW*p.srcC + 2*tileCols - 1) &^ (2*tileCols - 1)
	if max(bfloatParts*bfloatBytes*p.window, bfloatBytes*c.Weights()) > maxOffset {
		return nil
	}
	for i := range p.classes {
		t := p.tile(&p.classes[i])
		if len(t.aStep) > 0 && t.rows*t.depth < bfloatBytes*leastFloats*max(leastRows, t.rows) {
			return nil
		}
		p.tiled = append(p.tiled, t)
	}
	p.scale, p.perSource = make([]float32, p.srcC), c.Weights()/p.srcC
	p.whole.pass, p.pack.pass = p, p
	pool.reserve(p.local(), p.common())
	return p
}

// tile cuts a class into tiles and slices.
func (p *bfloatInput) tile(c *class) (t tiledClass) {
	t.tileLines = p.tileLines(c, bfloatBytes)
	t.packed = p.packed
	p.packed += p.panels() * len(c.steps) * tileCols / 2
	t.slice(c)
	for i := range p.panels() {
		t.bAt = append(t.bAt, int32(bfloatBytes*(2*t.packed+i*len(c.steps)*tileCols)))
	}
	for k := range c.steps {
		t.weight = append(t.weight, int32(c.runs[k/c.run]+k%c.run*c.spacing))
	}
	return t
}

// slice cuts the products of a pixel into slices: neighbours in the window, as many in each.
func (t *tiledClass) slice(c *class) {
	run := len(c.steps)
	for k := 1; k < len(c.steps); k++ {
		if c.steps[k] != c.steps[k-1]+1 {
			run = gcd(run, k)
		}
	}
	depth := tileBytes / bfloatBytes
	for run%depth != 0 {
		depth -= 2
	}
	t.depth = bfloatBytes * depth
	for k := 0; k < len(c.steps); k += depth {
		t.aStep, t.bStep = append(t.aStep, bfloatBytes*c.steps[k]), append(t.bStep, int32(bfloatBytes*k*tileCols))
	}
}

// local returns the floats of scratch of a thread, and common those of all of them, the panels and the whole numbers of the weights.
func (p *bfloatInput) local() int  { return bfloatParts * p.window / 2 }
func (p *bfloatInput) common() int { return p.packed + p.srcC*p.perSource }

// begin takes the arguments of a run and packs the weights.
func (p *bfloatInput) begin(dst, src, w []float32, batch int, steps []float32) {
	p.dst, p.src, p.w, p.batch = dst, src, w, batch
	for c := range p.scale {
		p.scale[c] = steps[c%len(steps)]
	}
	if p.weights.begin(p.pool, p.packed) {
		p.pool.Run(&p.whole, p.srcC)
		p.pool.Run(&p.pack, p.panels())
	}
}

// end forgets the arguments.
func (p *bfloatInput) end() { p.dst, p.src, p.w = nil, nil, nil }

func (p *bfloatInput) run(dst, src, w []float32, batch int, steps []float32) {
	p.begin(dst, src, w, batch, steps)
	blocks := p.blocks(batch)
	tasks := minTasks
	if p.matrix {
		tasks = apartTasks
	}
	p.chunks = min(pairs(p.panels()), (tasks+blocks-1)/blocks)
	p.pool.Run(p, blocks*p.chunks)
	p.end()
}

// Tile writes the whole numbers of one channel after the panels.
func (t *wholeTask) Tile(i, _ int) {
	p := t.pass
	each := p.perSource
	WholeSteps(p.pool.common[p.packed+i*each:][:each], p.w[i*each:], 1/p.scale[i])
}

// Tile packs one panel of every class.
func (t *packBfloats) Tile(i, _ int) {
	p := t.pass
	for j := range p.tiled {
		k := p.tiled[j].weight
		panel := p.weights.panels[p.tiled[j].packed+i*len(k)*tileCols/2:]
		pairRows(wordsOf(panel), p.pool.common[p.packed+i*tileCols:], k)
	}
}

// Tile computes a chunk of the channels of one block.
func (p *bfloatInput) Tile(i, worker int) {
	p.block(p.at(i/p.chunks, p.batch), i%p.chunks, p.pool.local[worker])
}

// compute computes images [first, last).
func (p *bfloatInput) compute(first, last int, buf []float32) {
	for ; first < last; first += p.images {
		for strip := range p.strips {
			b := p.at(strip, p.batch)
			b.image, b.images = first, min(p.images, last-first)
			p.block(b, 0, buf)
		}
	}
}

// block computes a chunk of the channels of a block.
func (p *bfloatInput) block(b blockRange, chunk int, buf []float32) {
	window := wordsOf(buf[:bfloatParts*p.window/2])
	p.load(window, b)
	dst := p.dst[(b.image*p.dstH+b.row)*p.dstW*p.dstC:]
	first, last := chunkOf(chunk, p.chunks, p.panels())
	for j := range p.classes {
		c, t := &p.classes[j], &p.tiled[j]
		n := c.pixels(b)
		switch {
		case n == 0:
		case len(c.steps) > 0:
			p.multiply(t, dst, window, n, first, last)
		case chunk == 0:
			for _, at := range c.dst[:n] {
				clear(dst[at:][:p.dstC])
			}
		}
	}
}

// multiply computes panels [first, last) of n pixels of a class.
func (p *bfloatInput) multiply(t *tiledClass, dst []float32, window []int16, n, first, last int) {
	t.run(tileProduct{
		c: dst[first*tileCols:], cPair: tilePanels * tileCols, a: bytesOf(window), part: bfloatBytes * p.window,
		b: Bytes(p.weights.panels), bAt: t.bAt[first:last], aStep: t.aStep, bStep: t.bStep, depth: t.depth, floats: true,
	}, n)
}

// load writes the parts of the window of a block, with zeros in the padding.
func (p *bfloatInput) load(window []int16, b blockRange) {
	image := p.srcH * p.srcW * p.srcC
	if p.matrix {
		p.split(window, b.image*p.srcC, b.images*p.srcC)
		return
	}
	line := p.winW * p.srcC
	from, to := max(0, p.left), min(p.srcW, p.left+p.winW)
	before, inside := (from-p.left)*p.srcC, max(0, to-from)*p.srcC
	for i := range b.images * p.winH {
		row, out := p.top+b.strip*p.step+i%p.winH, window[i*line:]
		if row < 0 || row >= p.srcH || inside == 0 {
			p.zero(out, line)
			continue
		}
		p.zero(out, before)
		p.split(out[before:], (b.image+i/p.winH)*image+(row*p.srcW+from)*p.srcC, inside)
		p.zero(out[before+inside:], line-before-inside)
	}
}

// split writes the parts of n numbers, whole pixels of the source from at on, times their steps.
func (p *bfloatInput) split(window []int16, at, n int) {
	splitScaled(window, p.window, p.src[at:at+n], p.scale)
}

// zero writes the parts of n zeros.
func (p *bfloatInput) zero(window []int16, n int) {
	for part := range bfloatParts {
		clear(window[part*p.window:][:n])
	}
}
