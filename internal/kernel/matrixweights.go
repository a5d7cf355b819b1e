// SPDX-License-Identifier: Apache-2.0

package kernel

const (
	nearPitch = 32  // elements of a row up to which neighbouring rows are read in place
	groupRows = 384 // rows whose pixels are copied at once, and stay in the second-level cache
	groupCols = 256 // columns likewise
)

// oddPitch returns the pitch of rows of n elements at which a column of them
// spreads over the cache: an odd number of lines.
func oddPitch(n int) int { return ((n+tileCols-1)/tileCols | 1) * tileCols }

// A matrixWeightsPass computes the weight gradient of a 1x1 convolution, the
// matrix product dw[rows, cols] = transposed dy[pixels, rows] * x[pixels, cols].
// The pixels are cut into chunks with a partial sum each, the first of them in
// dw; then the others are added in order.
type matrixWeightsPass struct {
	rows, cols int
	pool       *Pool

	rowAt   []int32 // where each row of dw begins
	rowStep []int32 // offset of each row in a pixel of dy
	pitch   int     // distance of the pixels of dy where they are summed
	pixelAt []int32 // offset of each of them

	dw, dy []float32
	x      Values
	pixels int
	chunks int // partial sums
	slices int // pieces the pairs of panels of columns are cut into
	reduce matrixReduceTask
}

// A matrixReduceTask adds the partial sums, some rows a tile.
type matrixReduceTask struct{ pass *matrixWeightsPass }

func newMatrixWeightsPass(rows, cols int, pool *Pool) *matrixWeightsPass {
	p := &matrixWeightsPass{rows: rows, cols: cols, pool: pool}
	for r := range rows {
		p.rowAt = append(p.rowAt, int32(r*cols))
		p.rowStep = append(p.rowStep, int32(r))
	}
	p.pitch = rows
	if rows > nearPitch {
		p.pitch = oddPitch(min(rows, groupRows))
	}
	for i := range sumPixels {
		p.pixelAt = append(p.pixelAt, int32(i*p.pitch))
	}
	p.reduce.pass = p
	return p
}

func (p *matrixWeightsPass) panels() int { return (p.cols + tileCols - 1) / tileCols }

// split returns the number of partial sums for a number of pixels.
func (p *matrixWeightsPass) split(pixels int) int {
	return min((pixels+sumPixels-1)/sumPixels, maxChunks, max(1, maxPartials/(p.rows*p.cols)))
}

func (p *matrixWeightsPass) reserve(pixels int) {
	p.pool.reserve(sumPixels*(oddPitch(groupRows)+oddPitch(groupCols)), (p.split(pixels)-1)*p.rows*p.cols)
}

func (p *matrixWeightsPass) run(dw []float32, x Values, dy []float32, pixels int) {
	p.dw, p.x, p.dy, p.pixels = dw, x, dy, pixels
	p.chunks = p.split(pixels)
	p.slices = min(pairs(p.panels()), (minTasks+p.chunks-1)/p.chunks)
	p.pool.Run(p, p.chunks*p.slices)
	if p.chunks > 1 {
		p.pool.Run(&p.reduce, min(minTasks, p.rows))
	}
	p.dw, p.x, p.dy = nil, Values{}, nil
}

// Tile sums a slice of the columns over one chunk of the pixels.
func (p *matrixWeightsPass) Tile(i, worker int) {
	chunk, slice := i/p.slices, i%p.slices
	sum := p.dw
	if chunk > 0 {
		sum = p.pool.common[(chunk-1)*p.rows*p.cols:][:p.rows*p.cols]
	}
	from, to := chunk*p.pixels/p.chunks, (chunk+1)*p.pixels/p.chunks
	cuts := (to - from + sumPixels - 1) / sumPixels
	for cut := range cuts {
		p.add(sum, slice, worker, from+cut*(to-from)/cuts, from+(cut+1)*(to-from)/cuts, cut > 0)
	}
}

// add sums pixels [k0, k1), at most sumPixels of them.
func (p *matrixWeightsPass) add(sum []float32, slice, worker, k0, k1 int, accumulate bool) {
	buf := p.pool.local[worker]
	left, right := buf[:sumPixels*oddPitch(groupRows)], buf[sumPixels*oddPitch(groupRows):]
	dy, n := p.dy[k0*p.rows:], k1-k0
	from, to := chunkOf(slice, p.slices, p.panels())
	first, last := from*tileCols, min(p.cols, to*tileCols)
	t := tiling{aStep: p.pixelAt[:n], pitch: 1, next: tileCols, accumulate: accumulate}
	for r0 := 0; r0 < p.rows; r0 += groupRows {
		r1 := min(p.rows, r0+groupRows)
		t.cRow, t.aRow, t.a = p.rowAt[r0:r1], p.rowStep[:r1-r0], dy
		if p.rows > nearPitch {
			copyRows(left, p.pitch, dy[r0:], p.rows, r1-r0, n)
			t.a = left
		}
		for n0 := first; n0 < last; n0 += groupCols {
			n1 := min(last, n0+groupCols)
			t.b, t.ldb = p.columns(right, k0, n, n0, n1)
			t.c, t.cols = sum[n0:], n1-n0
			t.run()
		}
	}
}

// columns returns columns [n0, n1) of n pixels of x from pixel k0 on, and how far apart
// pixels are: as they are, or copied to buf.
func (p *matrixWeightsPass) columns(buf []float32, k0, n, n0, n1 int) (b []float32, pitch int) {
	at, pitch := k0*p.cols+n0, oddPitch(n1-n0)
	switch {
	case p.x.Codes != nil:
		for i := range n {
			p.x.Read(buf[i*pitch:][:n1-n0], at+i*p.cols)
		}
	case p.cols > nearPitch || p.cols%tileCols != 0:
		copyRows(buf, pitch, p.x.Real[at:], p.cols, n1-n0, n)
	default:
		return p.x.Real[at:], p.cols
	}
	return buf, pitch
}

// Tile adds the partial sums of some rows.
func (t *matrixReduceTask) Tile(i, _ int) {
	p := t.pass
	tiles := min(minTasks, p.rows)
	from, to := i*p.rows/tiles*p.cols, (i+1)*p.rows/tiles*p.cols
	for chunk := range p.chunks - 1 {
		Add(p.dw[from:to], p.dw[from:to], p.pool.common[chunk*p.rows*p.cols+from:])
	}
}
