// SPDX-License-Identifier: Apache-2.0

package kernel

// bfloatBoth are both gradients by tiles in one pass: those of the weights of a block, then those of its input, so that the
// gradient of the result is read from memory once. The results are those of the passes alone.
type bfloatBoth struct {
	input   *bfloatInput
	weights *bfloatWeights
}

// BackwardIntegers computes dx as BackwardInputIntegers does, and dw as BackwardWeights does.
func (p *ConvPlan) BackwardIntegers(dx, dw []float32, x Values, dy, w []float32, batch int, s Integers) {
	if !p.byTiles(&s) || p.bfloatWeights == nil || !Usable(x.Step) || !p.both.suits(batch*p.pixels) {
		p.BackwardInputIntegers(dx, dy, w, batch, s)
		p.BackwardWeights(dw, x, dy, batch)
		return
	}
	p.check(Real(dx), dy, w, batch)
	p.check(x, dy, dw, batch)
	p.both.run(dx, dw, x, dy, w, batch*p.pixels, s.Weights)
}

// reserve makes room for both passes side by side, where batches up to the given size suit.
func (b *bfloatBoth) reserve(batch int) {
	w := b.weights
	if !b.suits(batch) {
		return
	}
	w.pool.reserve(b.input.local()+w.local().total(), b.input.common()+w.split(w.blocks(batch))*w.partial())
}

// suits says whether there are blocks for all threads.
func (b *bfloatBoth) suits(batch int) bool {
	w := b.weights
	chunks := w.split(w.blocks(batch))
	return chunks >= max(apartTasks, 2*w.pool.threads)
}

func (b *bfloatBoth) run(dx, dw []float32, x Values, dy, w []float32, batch int, steps []float32) {
	b.input.begin(dx, dy, w, batch, steps)
	b.weights.begin(dw, x, dy, batch, b.input.common())
	b.weights.slices = 1
	b.input.chunks = 1
	b.weights.pool.Run(b, b.weights.chunks)
	b.weights.end()
	b.input.end()
}

// Tile does the blocks of one chunk.
func (b *bfloatBoth) Tile(i, worker int) {
	p := b.weights
	buf := p.pool.local[worker]
	s := p.sums(i, 0, buf[b.input.local():])
	first, last := p.blocksOf(i)
	for block := first; block < last; block++ {
		s.add(block)
		if image := s.image * p.merged; block%p.strips == p.strips-1 {
			b.input.compute(image, min(b.input.batch, image+2*p.pairs*p.merged), buf)
		}
	}
}
