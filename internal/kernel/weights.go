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
	pitch   int     // fours of rowStep
	rowAt   []int32 // where each row is in the partial sum of a group

	dw, dy []float32
	x      Values
	batch  int
	chunks int // partial sums
	slices int // pieces the pairs of panels of columns are cut into
	reduce reduceTask
}

// A reduceTask adds the partial sums, some rows of a group a tile.
type reduceTask struct{ pass *weightsPass }

func newWeightsPass(forward *correlation, pool *Pool) *weightsPass {
	p := &weightsPass{correlation: forward, pool: pool, rowStep: forward.classes[0].steps}
	for i := range p.rowStep {
		p.rowAt = append(p.rowAt, int32(i*p.width()))
	}
	p.pitch = fours(p.rowStep)
	p.reduce.pass = p
	return p
}

// width returns the floats of a row of a partial sum.
func (p *weightsPass) width() int { return p.panels() * tileCols }

// partial returns the floats of one partial sum: the rows of every group.
func (p *weightsPass) partial() int { return p.groups * len(p.rowStep) * p.width() }

// split returns the number of partial sums for a number of blocks.
func (p *weightsPass) split(blocks int) int {
	return min(blocks, maxChunks, max(1, maxPartials/p.partial()))
}

func (p *weightsPass) reserve(batch int) {
	p.pool.reserve(p.scratch()+pair*sumPixels*tileCols, p.split(p.blocks(batch))*p.partial())
}

func (p *weightsPass) run(dw []float32, x Values, dy []float32, batch int) {
	p.dw, p.x, p.dy, p.batch = dw, x, dy, batch
	p.chunks = p.split(p.blocks(batch))
	p.slices = min(pairs(p.panels()), (minTasks+p.chunks-1)/p.chunks)
	p.pool.Run(p, p.chunks*p.slices)
	p.pool.Run(&p.reduce, p.groups*p.reduce.pieces())
	p.dw, p.x, p.dy = nil, Values{}, nil
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
	panelBuf := buf[p.scratch():]
	src := p.load(buf, &p.x, b, 0)
	dy := p.dy[(b.image*p.dstH+b.row)*p.dstW*p.dstC:]
	class := &p.classes[0]
	pixels := class.pixels(b)
	cuts := (pixels + sumPixels - 1) / sumPixels
	from, to := chunkOf(slice, p.slices, p.panels())
	t := tiling{b: panelBuf, cRow: p.rowAt, aRow: p.rowStep, pitch: p.pitch, ldb: tileCols, next: sumPixels * tileCols, perChannel: p.perChannel}
	inPlace := p.dstC <= nearPitch && p.dstGroup%tileCols == 0
	if inPlace {
		t.ldb, t.next = p.dstC, tileCols
	}
	for cut := range cuts {
		k0, k1 := cut*pixels/cuts, (cut+1)*pixels/cuts
		t.accumulate = !first || cut > 0
		for g := range p.groups {
			for panel := from; panel < to; panel += pair {
				n0 := panel * tileCols
				t.c = sum[g*len(p.rowStep)*p.width()+n0:]
				t.cols = min(pair, to-panel) * tileCols
				at := dy[k0*p.dstC+g*p.dstGroup+n0:]
				if inPlace {
					t.b = at
				} else {
					for i := 0; i < t.cols; i += tileCols {
						gather(t.b[i/tileCols*t.next:], at[i:], p.dstC, min(tileCols, p.dstGroup-n0-i), k1-k0)
					}
				}
				t.a, t.aStep = src[g*p.srcGroup:], class.src[k0:k1]
				if p.perChannel {
					t.a = src[n0:]
				}
				t.run()
			}
		}
	}
}

// pieces returns the tiles of a group.
func (t *reduceTask) pieces() int { return min(minTasks, len(t.pass.rowStep)) }

// Tile adds the partial sums of some rows and stores them, as columns of dw.
func (t *reduceTask) Tile(i, _ int) {
	p := t.pass
	rows, width := len(p.rowStep), p.width()
	g, piece := i/t.pieces(), i%t.pieces()
	from, to := piece*rows/t.pieces(), (piece+1)*rows/t.pieces()
	at := (g*rows + from) * width
	sum := p.pool.common[at:][:(to-from)*width]
	for chunk := 1; chunk < p.chunks; chunk++ {
		Add(sum, sum, p.pool.common[chunk*p.partial()+at:])
	}
	for r := from; r < to; r++ {
		row := sum[(r-from)*width:][:p.dstGroup]
		for n, v := range row {
			p.dw[(g*p.dstGroup+n)*rows+r] = v
		}
	}
}
