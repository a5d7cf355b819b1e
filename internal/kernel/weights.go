// SPDX-License-Identifier: Apache-2.0

package kernel

const (
	maxChunks   = 16      // partial sums of a weight gradient
	maxPartials = 1 << 19 // floats of all partial sums together, if more than one
	sumPixels   = 128     // pixels summed in one go, so that both operands stay in the first-level cache
)

// A weightsPass sums a weight gradient over the pixels of a batch. The blocks
// of the forward pass are cut into chunks, each with a partial sum of its own;
// then the partial sums are added in order.
//
// Rows of the sum are the taps and channels of the weights, columns the
// output channels.
type weightsPass struct {
	*correlation
	pool *Pool

	rowStep []int32 // offset of each row from the pixel's
	rowAt   []int32 // where each row is in a panel of the partial sum

	dw, x, dy []float32
	batch     int
	chunks    int // partial sums
	slices    int // pieces the panels of columns are cut into
	reduce    reduceTask
}

// A reduceTask adds the partial sums, a panel a tile.
type reduceTask struct{ pass *weightsPass }

func newWeightsPass(forward *correlation, pool *Pool) *weightsPass {
	p := &weightsPass{correlation: forward, pool: pool, rowStep: forward.classes[0].steps}
	for i := range p.rowStep {
		p.rowAt = append(p.rowAt, int32(i*tileCols))
	}
	p.reduce.pass = p
	return p
}

// partial returns the floats of one partial sum: panels of rows of tileCols.
func (p *weightsPass) partial() int { return p.groups * p.panels() * len(p.rowStep) * tileCols }

// split returns the number of partial sums for a number of blocks.
func (p *weightsPass) split(blocks int) int {
	return min(blocks, maxChunks, max(1, maxPartials/p.partial()))
}

func (p *weightsPass) reserve(batch int) {
	p.pool.reserve(p.scratch()+sumPixels*tileCols, p.split(p.blocks(batch))*p.partial())
}

func (p *weightsPass) run(dw, x, dy []float32, batch int) {
	p.dw, p.x, p.dy, p.batch = dw, x, dy, batch
	p.chunks = p.split(p.blocks(batch))
	p.slices = min(p.panels(), (minTasks+p.chunks-1)/p.chunks)
	p.pool.Run(p, p.chunks*p.slices)
	p.pool.Run(&p.reduce, p.groups*p.panels())
	p.dw, p.x, p.dy = nil, nil, nil
}

// Tile sums a slice of the columns over the blocks of one chunk.
func (p *weightsPass) Tile(i, worker int) {
	chunk, slice := i/p.slices, i%p.slices
	blocks := p.blocks(p.batch)
	sum := p.pool.common[chunk*p.partial():][:p.partial()]
	first := true
	for block := chunk * blocks / p.chunks; block < (chunk+1)*blocks/p.chunks; block++ {
		p.block(sum, slice, worker, p.at(block, p.batch), first)
		first = false
	}
}

// block adds the pixels of one block to a slice of a partial sum, or begins it.
func (p *weightsPass) block(sum []float32, slice, worker int, b blockRange, first bool) {
	buf := p.pool.local[worker]
	panelBuf := buf[p.scratch():][:sumPixels*tileCols]
	src := p.load(buf, p.x, b)
	dy := p.dy[(b.image*p.dstH+b.row)*p.dstW*p.dstC:]
	class := &p.classes[0]
	pixels := class.pixels(b)
	cuts := (pixels + sumPixels - 1) / sumPixels
	panels, rows := p.panels(), len(p.rowStep)
	t := tiling{cRow: p.rowAt, aRow: p.rowStep, ldb: tileCols, cols: tileCols, perChannel: p.perChannel}
	for cut := range cuts {
		k0, k1 := cut*pixels/cuts, (cut+1)*pixels/cuts
		t.accumulate = !first || cut > 0
		for g := range p.groups {
			for panel := slice * panels / p.slices; panel < (slice+1)*panels/p.slices; panel++ {
				n0 := panel * tileCols
				t.c = sum[(g*panels+panel)*rows*tileCols:]
				t.b = panelBuf
				gather(t.b, dy[k0*p.dstC+g*p.dstGroup+n0:], p.dstC, min(tileCols, p.dstGroup-n0), k1-k0)
				t.a, t.aStep = src[g*p.srcGroup:], class.src[k0:k1]
				if p.perChannel {
					t.a = src[n0:]
				}
				t.run()
			}
		}
	}
}

// Tile adds the partial sums of one panel and stores it.
func (t *reduceTask) Tile(i, _ int) {
	p := t.pass
	panels, rows := p.panels(), len(p.rowStep)
	g, n0 := i/panels, i%panels*tileCols
	cols := min(tileCols, p.dstGroup-n0)
	size := rows * tileCols
	sum := p.pool.common[i*size:][:size]
	for chunk := 1; chunk < p.chunks; chunk++ {
		Add(sum, sum, p.pool.common[chunk*p.partial()+i*size:])
	}
	for r := range rows {
		row := sum[r*tileCols:][:cols]
		for n, v := range row {
			p.dw[(g*p.dstGroup+n0+n)*rows+r] = v
		}
	}
}
