// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"math"
	"unsafe"
)

const (
	pairPitch    = 2*maxPanel + 32 // distance of the rows of a copy of codes, an odd number of lines
	integerTasks = 4               // tiles of work a pass of few blocks should have, each of which makes codes of its block anew
)

// Integers are the steps of the operands of a convolution whose values are whole numbers
// of steps, MostCode at most: how ForwardIntegers knows the whole numbers.
type Integers struct {
	Input                  float32   // of the input
	Weights                []float32 // of the weights of each output channel, or of all; none if there are no whole numbers
	MostInput, MostWeights int       // the greatest magnitudes of the whole numbers
}

// HasIntegers says whether the plan can compute on such integers: whether no sum, nor a
// part of one, can leave int32 (of a depthwise layer, where float32 is exact), and steps
// are no extreme numbers. It depends on the shape and the integers alone, not on the machine.
func (p *ConvPlan) HasIntegers(s Integers) bool {
	terms, most := int64(p.conv.Weights()/p.conv.OutC), int64(math.MaxInt32)
	if p.conv.depthwise() {
		most = mostWhole
	}
	if len(s.Weights) == 0 || max(s.MostInput, s.MostWeights) > MostCode || terms*int64(s.MostInput)*int64(s.MostWeights) > most {
		return false
	}
	for _, step := range s.Weights {
		if !usable(step) {
			return false
		}
	}
	return usable(s.Input)
}

func usable(step float32) bool { return step > leastStep && step < mostStep }

// ForwardIntegers computes y = x * w as Forward does, of integers: with whole numbers of
// steps p and q,
//
//	y = float32(Σ p·q) · float32(step of x · step of w)
//
// where the sum is exact and float32 rounds once each time. The result is therefore the
// same on every machine. Where x holds a number that is none, so does y, for the whole of
// a block of images.
func (p *ConvPlan) ForwardIntegers(y, x, w []float32, batch int, steps Integers) {
	p.check(x, y, w, batch)
	if p.channels.whole == nil {
		p.integers.run(y, x, w, batch*p.pixels, steps)
		return
	}
	p.channels.run(y, x, p.channels.whole.begin(w, steps), batch*p.pixels)
}

// An integerPass is a forward pass on integers: blocks of the source become codes where
// they are copied to a window, weights where they are packed. Each step of the tables is a
// pair of products of neighbours.
type integerPass struct {
	*correlation
	pool *Pool

	runs    []int   // lengths of the runs of neighbours among the products of a pixel
	pairs   []int32 // offset of every pair from the pixel's
	pitch   int     // of a matrix, distance of the rows of a copy
	copied  []int32 // offsets of them
	inverse []float32
	scale   []float32 // by output channel

	dst, src, w []float32
	batch       int
	input       float32 // one over the step of the source
	chunks      int     // pieces the pairs of panels of a block are cut into
	pack        packIntegers
}

// packIntegers packs the weights of a pass, a panel a tile.
type packIntegers struct{ pass *integerPass }

func newIntegerPass(c Conv, batch int, pool *Pool) integerPass {
	p := integerPass{correlation: newForward(c, batch, true), pool: pool}
	p.inverse, p.scale = make([]float32, p.dstC), make([]float32, p.dstC+tileCols)
	steps := p.classes[0].steps
	for k := 0; k < len(steps); {
		run := 1
		for k+run < len(steps) && steps[k+run] == steps[k]+int32(run) {
			run++
		}
		p.runs = append(p.runs, run)
		for i := 0; i < run; i += 2 {
			p.pairs = append(p.pairs, steps[k]+int32(i))
		}
		k += run
	}
	if p.matrix {
		p.pitch = pairPitch
		if p.groups == 1 && len(p.pairs) <= maxPanel && p.srcC%2 == 0 {
			p.pitch = p.srcC
		}
		for i := range p.images {
			p.copied = append(p.copied, int32(i*p.pitch))
		}
	}
	return p
}

// reserve makes room for the window of a block, or for the rows of weights of a panel, and
// for all panels.
func (p *integerPass) reserve() {
	window := p.images*p.winH*p.winW*p.srcC + 2
	if p.matrix {
		window = p.images * pairPitch
	}
	p.pool.reserve(max(window/2+1, tileCols*maxPanel), p.groups*p.panels()*p.panel())
	p.pack.pass = p
}

// panel returns the numbers of a panel of weights, each a pair of codes.
func (p *integerPass) panel() int { return len(p.pairs) * tileCols }

func (p *integerPass) run(dst, src, w []float32, batch int, steps Integers) {
	p.dst, p.src, p.w, p.batch, p.input = dst, src, w, batch, 1/steps.Input
	for n := range p.inverse {
		step := steps.Weights[n%len(steps.Weights)]
		p.inverse[n], p.scale[n] = 1/step, steps.Input*step
	}
	blocks := p.blocks(batch)
	tasks := minTasks
	if p.matrix {
		tasks = integerTasks
	}
	p.chunks = min(pairs(p.panels()), (tasks+blocks-1)/blocks)
	p.pool.Run(&p.pack, p.groups*p.panels())
	p.pool.Run(p, blocks*p.chunks)
	p.dst, p.src, p.w = nil, nil, nil
}

// codesOf returns memory for numbers as memory for codes, two for each number.
func codesOf(numbers []float32) []int16 {
	return unsafe.Slice((*int16)(unsafe.Pointer(unsafe.SliceData(numbers))), 2*len(numbers))
}

// Tile packs one panel: codes of the weights, row by row, are transposed in pairs.
func (t *packIntegers) Tile(i, worker int) {
	p := t.pass
	g, n0 := i/p.panels(), i%p.panels()*tileCols
	cols := min(tileCols, p.dstGroup-n0)
	panel, rows := p.pool.common[i*p.panel():][:p.panel()], p.pool.local[worker]
	for k0 := 0; k0 < len(p.pairs); k0 += maxPanel {
		k1 := min(len(p.pairs), k0+maxPanel)
		for n := range cols {
			o := g*p.dstGroup + n0 + n
			p.row(codesOf(rows[n*maxPanel:][:k1-k0]), p.w[o*p.column:][:p.column], p.inverse[o], k0)
		}
		transpose(panel[k0*tileCols:], rows, maxPanel, cols, k1-k0)
	}
}

// row writes pairs of codes, of one channel's weights, from pair k on; the last pair of an
// odd run has a zero.
func (p *integerPass) row(dst []int16, w []float32, inverse float32, k int) {
	at, pair := 0, 0 // of the run: in the weights, and among the pairs
	for _, run := range p.runs {
		pairs := (run + 1) / 2
		if from, to := max(k-pair, 0), min(pairs, k+len(dst)/2-pair); from < to {
			first, last := 2*from, min(run, 2*to)
			out := dst[2*(pair+from-k):][:2*(to-from)]
			Codes(out[:last-first], w[at+first:at+last], inverse)
			clear(out[last-first:])
		}
		at, pair = at+run, pair+pairs
	}
}

// Tile computes a chunk of the channels of one block.
func (p *integerPass) Tile(i, worker int) {
	block, chunk := i/p.chunks, i%p.chunks
	b := p.at(block, p.batch)
	window := codesOf(p.pool.local[worker])
	c := &p.classes[0]
	n := c.pixels(b)
	t := integerTiling{cRow: c.dst[:n], aRow: c.src[:n], next: 2 * p.panel()}
	numbers := p.matrix || p.encode(window, b)
	dst := p.dst[(b.image*p.dstH+b.row)*p.dstW*p.dstC:]
	first, last := chunkOf(chunk, p.chunks, p.panels())
	cuts := (len(p.pairs) + maxPanel - 1) / maxPanel
	for g := range p.groups {
		for cut := range cuts {
			k0, k1 := cut*len(p.pairs)/cuts, (cut+1)*len(p.pairs)/cuts
			if p.matrix {
				numbers = p.encodeRows(window, b, g, 2*k0, min(2*k1, p.srcGroup)) && numbers
				t.a, t.aRow, t.aPair = window, p.copied[:n], p.pairs[:k1-k0]
			} else {
				t.a, t.aPair = window[g*p.srcGroup:], p.pairs[k0:k1]
			}
			t.accumulate = cut > 0
			for panel := first; panel < last; panel++ {
				n0 := panel * tileCols
				t.b = codesOf(p.pool.common[((g*p.panels()+panel)*len(p.pairs)+k0)*tileCols:])
				t.c, t.cols = dst[g*p.dstGroup+n0:], min(tileCols, p.dstGroup-n0)
				if cut == cuts-1 {
					t.scale = p.scale[g*p.dstGroup+n0:]
				} else {
					t.scale = nil
				}
				t.run()
			}
		}
	}
	if !numbers {
		p.spoil(dst, c.dst[:n], first*tileCols, last*tileCols)
	}
}

// encode writes the window of a block, as codes, and returns whether all of it are numbers.
func (p *integerPass) encode(window []int16, b blockRange) (numbers bool) {
	numbers = true
	line := p.winW * p.srcC
	from, to := max(0, p.left), min(p.srcW, p.left+p.winW)
	before := (from - p.left) * p.srcC
	after := before + max(0, to-from)*p.srcC
	for n := range b.images {
		for i := range p.winH {
			out := window[(n*p.winH+i)*line:][:line]
			row := p.top + b.strip*p.step + i
			if row < 0 || row >= p.srcH || to <= from {
				clear(out)
				continue
			}
			in := p.src[((b.image+n)*p.srcH+row)*p.srcW*p.srcC+from*p.srcC:]
			clear(out[:before])
			numbers = Codes(out[before:after], in, p.input) && numbers
			clear(out[after:])
		}
	}
	return numbers
}

// encodeRows writes columns [from, to) of a group of the rows of a block of a matrix, as
// codes, a pitch apart, and returns whether all of them are numbers.
func (p *integerPass) encodeRows(rows []int16, b blockRange, g, from, to int) (numbers bool) {
	if p.pitch == p.srcC {
		return Codes(rows[:b.images*p.srcC], p.src[b.image*p.srcC:], p.input)
	}
	numbers = true
	for i := range b.images {
		in := p.src[(b.image+i)*p.srcC+g*p.srcGroup:][from:to]
		numbers = Codes(rows[i*p.pitch:][:len(in)], in, p.input) && numbers
	}
	return numbers
}

// spoil stores NaN in columns [from, to) of each group of the given rows.
func (p *integerPass) spoil(dst []float32, rows []int32, from, to int) {
	none := float32(math.NaN())
	for _, at := range rows {
		for g := range p.groups {
			row := dst[int(at)+g*p.dstGroup:][:p.dstGroup]
			for n := from; n < min(to, len(row)); n++ {
				row[n] = none
			}
		}
	}
}
