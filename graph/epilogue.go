// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"math"
	"sync/atomic"

	"github.com/goqat/goqat/fixed"
	"github.com/goqat/goqat/internal/kernel"
	"github.com/goqat/goqat/network"
)

// A Term is one summand of an epilogue: a tensor, normalized or with a bias
// added, or as it is.
type Term struct {
	X    *Node
	Norm *Norm
	Bias *Param // one value a channel
}

// An Epilogue is what follows a convolution, and the one place where the
// training graph and the integer runtime round:
//
//	y = quantize(activation(Σ terms))
//
// In Integer runs its terms are exact integers and it requantizes their sum
// (docs/numerics.md, 3.1) with the parameters of SetInteger.
//
// It passes over its inputs block by block, so that values between its steps
// never leave the cache, and its backward pass recomputes instead of keeping
// copies.
type Epilogue struct {
	Terms      []Term
	Activation network.Activation
	// Replaced says that the activation is computed in float runs only. In
	// quantized runs a sign replaces it, computed by this epilogue or by a later
	// operator. Observers see what comes before the activation.
	Replaced  bool
	Quantizer Quantizer // nil: the result is not quantized
}

// Epilogue adds the epilogue e under a site name.
func (g *Graph) Epilogue(name string, e Epilogue) *Node {
	if len(e.Terms) == 0 {
		g.Errorf("graph: %s has no terms", name)
		return &Node{Height: 1, Width: 1, Channels: 1}
	}
	x := e.Terms[0].X
	if g.err != nil {
		return x
	}
	f := &epilogue{name: name, Epilogue: e, rows: x.Height * x.Width, channels: x.Channels, pool: g.run.pool, room: &g.room}
	var inputs []*Node
	for _, t := range e.Terms {
		if t.X.Height != x.Height || t.X.Width != x.Width || t.X.Channels != x.Channels {
			g.Errorf("graph: %s adds %d×%d×%d to %d×%d×%d", name, t.X.Height, t.X.Width, t.X.Channels, x.Height, x.Width, x.Channels)
			return x
		}
		if t.Norm != nil && t.Bias != nil || t.Norm != nil && len(t.Norm.Mean) != x.Channels || t.Bias != nil && len(t.Bias.Value) != x.Channels {
			g.Errorf("graph: %s: a term of %d channels takes a normalization or a bias of as many, not both", name, x.Channels)
			return x
		}
		inputs = append(inputs, t.X)
	}
	for i, t := range e.Terms {
		s := term{x: i, norm: t.Norm}
		s.conv, _ = t.X.fn.(*conv)
		if t.Norm != nil {
			s.gamma, s.beta = len(inputs), len(inputs)+1
			inputs = append(inputs, t.Norm.Gamma.node, t.Norm.Beta.node)
		}
		if t.Bias != nil {
			s.bias = len(inputs)
			inputs = append(inputs, t.Bias.node)
		}
		f.terms = append(f.terms, s)
	}
	f.firstLearned = len(inputs)
	if e.Quantizer != nil {
		for _, p := range e.Quantizer.Params() {
			inputs = append(inputs, p.node)
			f.learned += len(p.Value)
		}
	}
	f.allocate(g.batch)
	g.epilogues = append(g.epilogues, f)
	f.node = g.Apply(name, f, x.Height, x.Width, x.Channels, inputs...)
	return f.node
}

// Activate adds an activation alone.
func (g *Graph) Activate(name string, x *Node, a network.Activation) *Node {
	return g.Epilogue(name, Epilogue{Terms: []Term{{X: x}}, Activation: a})
}

// Add adds the sum of two tensors.
func (g *Graph) Add(name string, x, y *Node) *Node {
	return g.Epilogue(name, Epilogue{Terms: []Term{{X: x}, {X: y}}})
}

// SetInteger gives the epilogue that computes n its integer parameters for
// Integer runs: one term of r for each accumulator of its terms.
func (n *Node) SetInteger(r *fixed.Requantizer) { n.fn.(*epilogue).integer = r }

// SetSigns gives the epilogue that computes n, whose result is signs, its
// integer parameters for Integer runs: one term of t for each accumulator of its
// terms. The integers of the result are the codes.
func (n *Node) SetSigns(t *fixed.Thresholds) { n.fn.(*epilogue).signs = t }

// SetTable gives the epilogue that computes n, whose one term is a tensor alone or its
// activation, its integers for Integer runs: the code q of the tensor, whose zero point
// is in, becomes table[q], of a tensor whose zero point is out. Where channels
// differ, there is a table for each channel, one after the other, each of the given
// number of codes.
func (n *Node) SetTable(table []uint8, each int, in, out int32) {
	n.fn.(*epilogue).table = &codeTable{codes: table, each: each, in: in, out: out}
}

// blockValues is about the number of values an epilogue works on at a time: a
// few such blocks fit a first-level cache. Blocks do not depend on the number
// of threads, so neither does any sum over them.
const blockValues = 4096

// epilogue is the Function of an Epilogue.
type epilogue struct {
	Epilogue
	name           string
	node           *Node // the result
	rows, channels int   // rows of one image
	terms          []term
	firstLearned   int // index of the quantizer's first input
	learned        int // number of learned values of the quantizer
	pool           *Pool
	integer        *fixed.Requantizer
	table          *codeTable        // instead of integer
	signs          *fixed.Thresholds // instead of integer
	codes          []int32           // of an Integer run, until the next epilogue runs
	online         onlineInteger
	values         []float32 // what signs were taken of in a training run, for MaxPoolSigns; or nil

	encodes bool        // the result is codes in the plan of the training
	spoiled atomic.Bool // it has codes for numbers that are none

	blockRows int
	room      *workspace
	stats     []Stats   // by block
	seen      Stats     // by the quantizer in the last run, or would have been
	grad      []float64 // by block: gradients of the learned values
	total     []float64 // their sum

	// One run's arguments, for the tiles.
	run        *Run
	x, dx      [][]float32
	y, dy      []float32
	out        kernel.Values // y, or codes
	n          int           // valid rows of all images
	quantizing bool
	encoding   kernel.Encoding    // all of the run in one pass, but for the second term, if its step is not 0
	tapped     Steps              // that a Tap has put there
	byImage    ImageQuantizer     // the quantizer, if it takes a range from each image
	active     network.Activation // of this run
	current    *term              // of momentBlocks and centerBlocks
	limits     kernel.Limits      // of gateBlocks and passBlocks
}

// term is a Term with what a run needs of it.
type term struct {
	x, gamma, beta, bias int // input indices; 0 where a parameter is absent
	norm                 *Norm
	conv                 *conv
	stored               *storedMoments // nil where moments are a pass of their own
	in                   kernel.Values  // the tensor, in a run

	scale, shift   []float32 // x·scale + shift is the term, by channel
	mean, rstd     []float64 // the statistics in use, by channel
	ratio          []float64 // of the gain in use to γ·rstd: 1 but for Norm.PowerOfTwo
	sum, sumX      []float64 // in the workspace: by block and channel, then totalled in the first block
	gx, gy, center []float32 // dx = dy·gy + x·gx + center
	unbiased       []float64 // variance of the last batch, by channel
}

// affine says whether the term is more than the tensor itself.
func (s *term) affine() bool { return s.norm != nil || s.bias != 0 }

// A workspace is memory that the epilogues of a graph have in turn.
type workspace struct {
	blocks [][]float32    // by worker
	sums   [][2][]float64 // by term
	codes  []int32        // of an Integer run
}

// grown returns memory for n numbers, the given one if it is as large.
func grown[T any](memory []T, n int) []T {
	if len(memory) < n {
		memory = make([]T, n)
	}
	return memory
}

// allocate makes the memory of all runs.
func (e *epilogue) allocate(batch int) {
	c := e.channels
	e.blockRows = max(1, blockValues/c)
	blocks := (batch*e.rows + e.blockRows - 1) / e.blockRows
	for len(e.room.sums) < len(e.terms) {
		e.room.sums = append(e.room.sums, [2][]float64{})
	}
	for i := range e.terms {
		s := &e.terms[i]
		s.scale, s.shift = make([]float32, c), make([]float32, c)
		if !s.affine() {
			for c := range s.scale {
				s.scale[c] = 1
			}
			continue
		}
		s.mean, s.rstd, s.ratio = make([]float64, c), make([]float64, c), make([]float64, c)
		e.room.sums[i] = [2][]float64{grown(e.room.sums[i][0], blocks*c), grown(e.room.sums[i][1], blocks*c)}
		s.gx, s.gy, s.center = make([]float32, c), make([]float32, c), make([]float32, c)
		if s.norm != nil {
			s.unbiased = make([]float64, c)
		}
	}
	for w := range e.room.blocks {
		e.room.blocks[w] = grown(e.room.blocks[w], 4*e.blockRows*c)
	}
	e.stats = make([]Stats, blocks)
	e.grad = make([]float64, blocks*e.learned)
	e.total = make([]float64, e.learned)
}

// start notes the arguments of a run and returns its number of blocks.
func (e *epilogue) start(r *Run, x [][]float32) int {
	e.run, e.x = r, x
	e.n = r.Batch * e.rows
	for i := range e.terms {
		s := &e.terms[i]
		s.in = e.Terms[i].X.values(r, x[s.x])
		s.sum, s.sumX = e.room.sums[i][0], e.room.sums[i][1]
	}
	e.quantizing = e.Quantizer != nil && r.Quantizes(e.name)
	e.byImage = nil
	if q, ok := e.Quantizer.(ImageQuantizer); ok && e.quantizing && q.ByImage() {
		e.byImage = q
	}
	e.tapped = Steps{}
	e.active = e.Activation
	if e.Replaced && r.Quantize {
		e.active = network.Identity
	}
	return e.blocks()
}

// blocks returns the number of blocks of the run.
func (e *epilogue) blocks() int { return (e.n + e.blockRows - 1) / e.blockRows }

// block returns the range of values of block i.
func (e *epilogue) block(i int) (lo, hi int) {
	return i * e.blockRows * e.channels, min((i+1)*e.blockRows, e.n) * e.channels
}

func (e *epilogue) Forward(r *Run, y []float32, x [][]float32) error {
	blocks := e.start(r, x)
	e.y = y
	if r.Mode == Integer {
		return e.forwardInteger(blocks)
	}
	for i := range e.terms {
		s := &e.terms[i]
		switch {
		case s.norm != nil:
			e.normalize(s, blocks)
		case s.bias != 0:
			for c := range s.scale {
				s.scale[c] = 1
			}
			copy(s.shift, x[s.bias])
		}
	}
	if e.Quantizer != nil {
		e.Quantizer.Begin(r)
	}
	e.spoiled.Store(false)
	e.out = e.node.values(r, y)
	e.encoding = e.onePass()
	e.pool.Run((*forwardBlocks)(e), blocks)
	if e.byImage != nil {
		e.pool.Run((*forwardImages)(e), r.Batch)
	}
	if e.observing() {
		e.seen.reset()
		for i := range blocks {
			e.seen.add(&e.stats[i])
		}
		if !r.partial() {
			e.Quantizer.Observe(r, e.seen)
		}
	}
	if r.Tap != nil && r.Mode != Train {
		r.Tap(Site{Name: e.name, Y: y[:e.n*e.channels], Steps: &e.tapped})
	}
	return nil
}

// onePass returns the forward pass as an encoding, the zero value if it is none.
func (e *epilogue) onePass() (f kernel.Encoding) {
	q, ok := e.Quantizer.(Stepped)
	if !ok || e.out.Codes == nil || e.Replaced || e.run.Calibrate || len(e.terms) > 2 || e.channels%kernel.EncodedChannels != 0 {
		return f
	}
	s, t := q.Steps(), &e.terms[0]
	if !s.Nearest {
		return f
	}
	infinity := float32(math.Inf(1))
	f = kernel.Encoding{Scale: t.scale, Shift: t.shift, Floor: -infinity, Ceil: infinity, Step: s.Step, Least: float32(s.Least), Most: float32(s.Most)}
	switch e.active {
	case network.ReLU:
		f.Floor = 0
	case network.ReLU6:
		f.Floor, f.Ceil = 0, 6
	}
	return f
}

func (*epilogue) elementwise() {}
func (*epilogue) readsCodes()  {}

// observing says whether the run's ranges count: an evaluation's do not.
func (e *epilogue) observing() bool {
	return e.Quantizer != nil && e.run.Observe && (e.run.Mode == Train || e.run.Calibrate)
}

// fixed says whether a term is normalized by its running statistics in training.
func (e *epilogue) fixed(s *term) bool { return e.run.FreezeNorm || s.norm.Frozen }

// normalize finds scale and shift of a normalized term.
func (e *epilogue) normalize(s *term, blocks int) {
	n := s.norm
	gamma, beta := e.x[s.gamma], e.x[s.beta]
	if e.run.Mode == Train && !e.fixed(s) {
		if !s.stored.take() {
			e.current = s
			e.pool.Run((*momentBlocks)(e), blocks)
		}
		e.batchStatistics(s, blocks)
	} else {
		for c := range s.mean {
			s.mean[c] = float64(n.Mean[c])
			s.rstd[c] = 1 / n.Sigma(c)
		}
	}
	for c := range s.scale {
		s.ratio[c] = n.ratio(e.run, c)
		a := float64(gamma[c]) * s.rstd[c] * s.ratio[c]
		s.scale[c] = float32(a)
		s.shift[c] = float32(float64(beta[c]) - float64(s.mean[c]*a))
	}
}

// batchStatistics totals the moments of the blocks, in their order.
func (e *epilogue) batchStatistics(s *term, blocks int) {
	c, count := e.channels, float64(e.n)
	unbiased := 1.0
	if e.n > 1 {
		unbiased = count / (count - 1)
	}
	total(s.sum, blocks, c)
	total(s.sumX, blocks, c)
	variance := s.sumX[:c]
	for c := range e.channels {
		d := s.sum[c] / count // from the running mean, about which the moments are
		variance[c] = max(0, s.sumX[c]/count-float64(d*d))
		s.mean[c] = float64(s.norm.Mean[c]) + d
		s.rstd[c] = 1 / math.Sqrt(variance[c]+float64(s.norm.Epsilon))
		s.unbiased[c] = variance[c] * unbiased
	}
	if !e.run.partial() {
		s.norm.update(s.mean, s.unbiased)
	}
}

// total adds the rows of a [blocks, n] array into its first row.
func total(x []float64, blocks, n int) {
	for b := 1; b < blocks; b++ {
		for i, v := range x[b*n : (b+1)*n] {
			x[i] += v
		}
	}
}

// scratch returns one of a worker's four blocks, for n values.
func (e *epilogue) scratch(worker, block, n int) []float32 {
	return e.room.blocks[worker][block*e.blockRows*e.channels:][:n]
}

// input returns the values of a block of a term, in buf if they are codes.
func (s *term) input(buf []float32, lo, hi int) []float32 {
	if s.in.Codes == nil {
		return s.in.Real[lo:hi]
	}
	buf = buf[:hi-lo]
	s.in.Read(buf, lo)
	return buf
}

// sum writes the sum of the terms of a block to dst. buf has room for a block.
func (e *epilogue) sum(dst, buf []float32, lo, hi int) {
	for i := range e.terms {
		s := &e.terms[i]
		x := s.input(buf, lo, hi)
		switch {
		case s.affine() && i == 0:
			kernel.ScaleShift(dst, x, s.scale, s.shift)
		case s.affine():
			kernel.AddScaleShift(dst, x, s.scale, s.shift)
		case i == 0:
			copy(dst, x)
		default:
			kernel.Add(dst, dst, x)
		}
	}
}

// activate applies the activation; dst may be src.
func (e *epilogue) activate(dst, src []float32) {
	switch e.active {
	case network.ReLU:
		kernel.ReLU(dst, src)
	case network.ReLU6:
		kernel.ReLUClamp(dst, src, 6)
	}
}
