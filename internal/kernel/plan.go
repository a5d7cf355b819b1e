// SPDX-License-Identifier: Apache-2.0

package kernel

import "fmt"

// A ConvPlan computes a convolution and its gradients for batches up to a
// given size. It owns its tables; scratch memory belongs to the pool. Plans of
// one pool are for one goroutine at a time. Results do not depend on the
// number of threads.
type ConvPlan struct {
	conv     Conv
	maxBatch int
	pixels   int // how many images of the passes one image of a caller is: its pixels for a 1x1 convolution, else 1
	pool     *Pool

	forward  correlatePass
	minimal  [2]*minimalPass // forward and by input; nil where they do not pay
	integers integerPass
	channels correlatePass // of a depthwise layer, on integers
	backward correlatePass
	weights  gradientPass
	packed   []*packing   // of passes
	coded    gradientPass // weights, of an input of codes

	bfloatInput   *bfloatInput // by input, of whole numbers; nil where it does not pay, or there are no tiles
	bfloatWeights *bfloatWeights
	both          bfloatBoth

	followed followedPass // of forward passes
}

// A gradientPass computes the gradient of the weights.
type gradientPass interface {
	reserve(batch int)
	run(dw []float32, x Values, dy []float32, batch int)
}

// NewConvPlan returns a plan for batches of 1 to maxBatch images. It panics if
// c is not valid; see [Conv.Validate].
func NewConvPlan(c Conv, maxBatch int, pool *Pool) *ConvPlan {
	if err := c.Validate(); err != nil {
		panic(err)
	}
	p := &ConvPlan{conv: c, maxBatch: maxBatch, pixels: 1, pool: pool}
	if c.Kernel[0]*c.Kernel[1]*c.Stride[0]*c.Stride[1] == 1 && c.Pad[0]+c.Pad[1]+c.Pad[2]+c.Pad[3] == 0 {
		// A 1x1 convolution treats every pixel alike.
		p.pixels = c.InH * c.InW
		c.InH, c.InW = 1, 1
	}
	forward, backward := newForward(c, maxBatch*p.pixels, false), newBackwardInput(c, maxBatch*p.pixels, false)
	p.forward = correlatePass{correlation: forward, pool: pool, followed: &p.followed}
	p.backward = correlatePass{correlation: backward, pool: pool}
	if forward.matrix && c.Groups == 1 {
		p.weights = newMatrixWeightsPass(c.OutC, c.InC, pool)
	} else {
		p.weights = newWeightsPass(forward, pool)
	}
	if c.depthwise() {
		p.channels = correlatePass{correlation: newForward(c, maxBatch*p.pixels, true), pool: pool, whole: newWholeSteps(c), followed: &p.followed}
		p.channels.reserve(maxBatch * p.pixels)
	} else {
		p.integers = newIntegerPass(c, maxBatch*p.pixels, pool)
		p.integers.followed = &p.followed
		p.integers.reserve()
	}
	p.coded = p.weights
	if forward.direct && (!forward.matrix || c.Groups > 1) {
		p.coded = newWeightsPass(p.copied(), pool)
		p.coded.reserve(maxBatch * p.pixels)
	}
	if c.filtersMinimally() {
		p.minimal = [...]*minimalPass{newMinimalPass(forward, maxBatch, pool), newMinimalPass(backward, maxBatch, pool)}
		p.minimal[0].followed = &p.followed
		if points*c.InC*c.OutC <= maxMinimalSums {
			p.weights = newMinimalWeights(forward, maxBatch, pool)
			p.coded = p.weights
		}
	}
	if tiles != noTiles {
		p.bfloatInput, p.bfloatWeights = newBfloatInput(c, maxBatch*p.pixels, pool), newBfloatWeights(c, maxBatch*p.pixels, pool)
	}
	if p.bfloatWeights != nil {
		p.bfloatWeights.reserve(maxBatch * p.pixels)
	}
	if p.bfloatInput != nil && p.bfloatWeights != nil {
		p.both = bfloatBoth{p.bfloatInput, p.bfloatWeights}
		p.both.reserve(maxBatch * p.pixels)
	}
	p.packed = []*packing{&p.forward.weights, &p.integers.weights, &p.channels.weights, &p.backward.weights}
	if p.bfloatInput != nil {
		p.packed = append(p.packed, &p.bfloatInput.weights)
	}
	for _, m := range p.minimal {
		if m != nil {
			p.packed = append(p.packed, &m.weights)
		}
	}
	p.forward.reserve(maxBatch * p.pixels)
	p.backward.reserve(maxBatch * p.pixels)
	p.weights.reserve(maxBatch * p.pixels)
	return p
}

// Forward computes y[n] = x[n] * w for a batch of images.
func (p *ConvPlan) Forward(y, x, w []float32, batch int) {
	p.check(Real(x), y, w, batch)
	if m := p.minimal[0]; m != nil {
		m.run(y, Real(x), w, batch)
		return
	}
	p.forward.run(y, Real(x), w, batch*p.pixels)
}

// ForwardWhole computes y as Forward does, of whole numbers: exactly, where every partial sum
// of the products is exact in float32.
func (p *ConvPlan) ForwardWhole(y, x, w []float32, batch int) {
	p.check(Real(x), y, w, batch)
	p.forward.run(y, Real(x), w, batch*p.pixels)
}

// BackwardInput computes dx, the gradient of the loss by x, from dy, its
// gradient by y.
func (p *ConvPlan) BackwardInput(dx, dy, w []float32, batch int) {
	p.check(Real(dx), dy, w, batch)
	if m := p.minimal[1]; m != nil {
		m.run(dx, Real(dy), w, batch)
		return
	}
	p.backward.run(dx, Real(dy), w, batch*p.pixels)
}

// BackwardWeights computes dw, the gradient of the loss by w, summed over the
// batch. By tiles (see [AMX]) it is the products of bfloat16 parts of dy with the whole
// numbers of x, where that has a step.
func (p *ConvPlan) BackwardWeights(dw []float32, x Values, dy []float32, batch int) {
	p.check(x, dy, dw, batch)
	pass := p.weights
	switch {
	case p.bfloatWeights != nil && tiles != noTiles && Usable(x.Step):
		pass = p.bfloatWeights
	case x.Codes != nil:
		pass = p.coded
	}
	pass.run(dw, x, dy, batch*p.pixels)
}

// copied returns the tables of y = x * w whose window is a copy.
func (p *ConvPlan) copied() *correlation {
	if p.channels.correlation != nil {
		return p.channels.correlation
	}
	return p.integers.correlation
}

// Hold says that the weights stay what they are until the next Hold or Release: passes of a
// kind pack them once. Again says that they are those of before, too.
func (p *ConvPlan) Hold(again bool) {
	for _, w := range p.packed {
		w.keep, w.held = true, w.held && again
	}
}

// Release ends what Hold began: every pass packs its weights.
func (p *ConvPlan) Release() {
	for _, w := range p.packed {
		w.keep, w.held = false, false
	}
}

func (p *ConvPlan) check(x Values, y, w []float32, batch int) {
	in, out, weights := batch*p.conv.InSize(), batch*p.conv.OutSize(), p.conv.Weights()
	if batch < 1 || batch > p.maxBatch || x.len() < in || len(y) < out || len(w) != weights {
		panic(fmt.Sprintf("kernel: convolution: batch %d of at most %d, input %d of %d, output %d of %d, weights %d of %d elements",
			batch, p.maxBatch, x.len(), in, len(y), out, len(w), weights))
	}
}

// A correlatePass runs a correlation on a pool.
type correlatePass struct {
	*correlation
	pool *Pool

	dst, w  []float32
	src     Values
	batch   int
	chunks  int  // pieces the pairs of panels of a block are cut into
	inPlace bool // panels are packed where they are used
	weights packing
	pack    packTask
	whole   *wholeSteps // of a pass on integers held in float32, else nil

	followed *followedPass // nil for backward passes
}

// A packTask packs the weights of a pass, a panel a tile.
type packTask struct{ pass *correlatePass }

// reserve makes room for batches up to the given size.
func (p *correlatePass) reserve(batch int) {
	p.pool.reserve(p.scratch()+pair*maxPanel*tileCols, p.packed)
	p.pack.pass = p
}

func (p *correlatePass) run(dst []float32, src Values, w []float32, batch int) {
	p.dst, p.src, p.w, p.batch = dst, src, w, batch
	blocks := p.blocks(batch)
	tasks := minTasks
	if p.apart != nil {
		tasks = apartTasks
	}
	p.chunks = min(pairs(p.panels()), (tasks+blocks-1)/blocks)
	p.inPlace = p.matrix && blocks <= 2 && !p.weights.keep
	if !p.inPlace && p.weights.begin(p.pool, p.packed) {
		p.pool.Run(&p.pack, p.groups*p.panels())
	}
	p.followed.run(p.pool, p, p.correlation, batch, p.chunks)
	p.dst, p.src, p.w = nil, Values{}, nil
}

// Tile packs one panel of every class.
func (t *packTask) Tile(i, _ int) {
	p := t.pass
	g, panel := i/p.panels(), i%p.panels()
	for j := range p.classes {
		c := &p.classes[j]
		k := len(c.steps)
		p.correlation.pack(p.weights.panels[c.packed+i*k*tileCols:], p.w, c, g, panel*tileCols, 0, k)
	}
}

// Tile computes a chunk of the channels of one block.
func (p *correlatePass) Tile(i, worker int) {
	block, chunk := i/p.chunks, i%p.chunks
	b := p.at(block, p.batch)
	buf := p.pool.local[worker]
	panelBuf := buf[p.scratch():]
	var inverse float32
	if p.whole != nil {
		inverse = p.whole.inverse
	}
	src := p.load(buf, &p.src, b, inverse)
	dst := p.dst[(b.image*p.dstH+b.row)*p.dstW*p.dstC:]
	first, last := chunkOf(chunk, p.chunks, p.panels())
	for j := range p.classes {
		c := &p.classes[j]
		n := c.pixels(b)
		if n == 0 {
			continue
		}
		if len(c.steps) == 0 {
			if chunk == 0 {
				for _, at := range c.dst[:n] {
					clear(dst[at:][:p.dstC])
				}
			}
			continue
		}
		t := tiling{cRow: c.dst[:n], aRow: c.src[:n], pitch: c.pitch, ldb: tileCols, perChannel: p.perChannel}
		cuts := (len(c.steps) + maxPanel - 1) / maxPanel
		for g := range p.groups {
			for cut := range cuts {
				k0, k1 := cut*len(c.steps)/cuts, (cut+1)*len(c.steps)/cuts
				t.a, t.aStep, t.accumulate = src[g*p.srcGroup:], c.steps[k0:k1], cut > 0
				if p.apart != nil {
					copyRows(buf, apartPitch, t.a[k0:], p.srcC, k1-k0, n)
					t.a, t.aStep, t.aRow, t.pitch = buf, c.steps[:k1-k0], p.apart[:n], apartPitch
				}
				for panel := first; panel < last; panel += pair {
					n0 := panel * tileCols
					if p.inPlace {
						t.b, t.next = panelBuf, (k1-k0)*tileCols
						for i := range min(pair, last-panel) {
							p.correlation.pack(t.b[i*t.next:], p.w, c, g, n0+i*tileCols, k0, k1)
						}
					} else {
						t.b = p.weights.panels[c.packed+((g*p.panels()+panel)*len(c.steps)+k0)*tileCols:]
						t.next = len(c.steps) * tileCols
					}
					if p.perChannel {
						t.a = src[n0:]
					}
					if p.whole != nil && cut == cuts-1 {
						t.scale = p.whole.scale[n0:]
					}
					t.c = dst[g*p.dstGroup+n0:]
					t.cols = min(pair*tileCols, p.dstGroup-n0)
					t.run()
				}
			}
		}
	}
}
