// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"math"
	"unsafe"
)

// integerTasks is the number of tiles of work that a pass of few blocks should have, each of
// which makes codes of its block anew.
const integerTasks = 4

// Integers are the steps of the operands of a convolution whose values are whole numbers
// of steps, MostCode at most: how ForwardIntegers knows the whole numbers.
type Integers struct {
	Input                  float32   // of the input
	Weights                []float32 // of the weights of each output channel, or of all; none if there are no whole numbers
	MostInput, MostWeights int       // the greatest magnitudes of the whole numbers
	Signed                 bool      // those of the input may be negative
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
		if !Usable(step) {
			return false
		}
	}
	return Usable(s.Input)
}

// ForwardIntegers computes y = x * w as Forward does, of integers: with whole numbers of
// steps p and q,
//
//	y = float32(Σ p·q) · float32(step of x · step of w)
//
// where the sum is exact and float32 rounds once each time. The result is therefore the
// same on every machine. Where x holds a number that is none, so does y, for the whole of
// a block of images. Codes of x have the step of the input.
func (p *ConvPlan) ForwardIntegers(y []float32, x Values, w []float32, batch int, steps Integers) {
	p.check(x, y, w, batch)
	if p.channels.whole == nil {
		p.integers.run(y, x, w, batch*p.pixels, steps)
		return
	}
	p.channels.run(y, x, p.channels.whole.begin(w, steps), batch*p.pixels)
}

// An integerPass is a forward pass on integers: blocks of the source become codes where
// they are copied to a window, weights where they are packed.
type integerPass struct {
	*correlation
	pool *Pool

	runs    []int     // lengths of the runs of neighbours among the products of a pixel
	layouts [2]layout // of pairs, and of fours
	read    []bool    // which rows of the window of a block are: not all by a stride beyond the taps
	window  int       // numbers of scratch that a window takes
	scale   []float32 // by output channel

	dst, w  []float32
	src     Values
	batch   int
	inverse []float32 // one over the steps of the weights, by output channel
	input   float32   // one over the step of the source
	use     *layout
	zero    uint8 // the code of 0 of the source, if they are of 8 bits
	deep    int   // groups of a cut at most
	chunks  int   // pieces the panels of a block are cut into
	inPlace bool  // panels are packed where they are used
	weights packing
	pack    packIntegers
	tiled   *codeTiles // of fours; nil where they do not pay, or there are no tiles

	followed *followedPass
	byTiles  bool
}

// A layout says how the products of a pixel are taken together: in groups of so many
// neighbours as 32 bits hold codes.
type layout struct {
	each    int     // codes of a group: 2 of 16 bits, or 4 of 8 bits
	offsets []int32 // of every group from the pixel's

	// Of a matrix whose rows are copied cut by cut:
	pitch int     // distance of the rows of the copy, 0 for a window as of any other layer
	rows  []int32 // offsets of them
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
		p.reads(int(steps[k]), run)
		k += run
	}
	for i := range p.layouts {
		g := &p.layouts[i]
		g.each = 2 << i
		at := 0
		for _, run := range p.runs {
			for j := 0; j < run; j += g.each {
				g.offsets = append(g.offsets, steps[at+j])
			}
			at += run
		}
		if p.matrix && (p.groups > 1 || len(g.offsets) > maxPanel || p.srcC%g.each != 0) {
			g.pitch = g.each*maxPanel + 32 // an odd number of half lines
			for i := range p.images {
				g.rows = append(g.rows, int32(i*g.pitch))
			}
		}
	}
	if tiles != noTiles {
		p.tiled = newCodeTiles(&p)
	}
	return p
}

// reads notes the rows of the window that pixels read in a run, which may go on in the next.
func (p *integerPass) reads(step, run int) {
	if p.read == nil {
		p.read = make([]bool, p.images*p.winH)
	}
	for _, at := range p.classes[0].src {
		first, line := int(at)+step, p.winW*p.srcC
		for row := first / line; row <= (first+run-1)/line; row++ {
			p.read[row] = true
		}
	}
}

// partOfPanel is the scratch for a part of a panel, and for the rows of weights it is of.
const partOfPanel = tileCols * maxPanel

// reserve makes room for the window of a block and for parts of panels, and for all panels.
func (p *integerPass) reserve() {
	for _, g := range p.layouts {
		window := p.images*p.winH*p.winW*p.srcC + g.each
		if g.pitch > 0 {
			window = p.images * g.pitch
		}
		p.window = max(p.window, ((window+g.each-1)/g.each+tileCols-1)&^(tileCols-1))
	}
	p.pool.reserve(p.window+(1+pair)*partOfPanel, p.groups*p.panels()*len(p.layouts[0].offsets)*tileCols)
	p.pack.pass = p
}

func (p *integerPass) run(dst []float32, src Values, w []float32, batch int, steps Integers) {
	p.dst, p.src, p.w, p.batch, p.input = dst, src, w, batch, 1/steps.Input
	for n := range p.inverse {
		step := steps.Weights[n%len(steps.Weights)]
		p.inverse[n], p.scale[n] = 1/step, steps.Input*step
	}
	before := p.use
	p.use, p.deep, p.zero = &p.layouts[0], maxPanel, 0
	zero, most := bounds(&src, steps)
	p.byTiles = zero == 0 && p.tiled.suits(&src, steps)
	if fours := foursAtOnce(most, steps.MostWeights); p.byTiles || fours >= leastFours {
		p.use, p.deep, p.zero = &p.layouts[1], min(maxPanel, fours), uint8(zero)
	}
	blocks := p.blocks(batch)
	tasks := minTasks
	if p.matrix {
		tasks = integerTasks
	}
	p.chunks = min(pairs(p.panels()), (tasks+blocks-1)/blocks)
	p.inPlace = p.matrix && blocks <= 2 && !p.weights.keep && !p.byTiles
	p.weights.held = p.weights.held && p.use == before
	if !p.inPlace && p.weights.begin(p.pool, p.groups*p.panels()*p.panel()) {
		p.pool.Run(&p.pack, p.groups*p.panels())
	}
	p.followed.run(p.pool, p, p.correlation, batch, p.chunks)
	p.dst, p.src, p.w = nil, Values{}, nil
}

// bounds returns the code of 0 and the greatest code of a source if none is to be negative: of
// bytes as they are, of real numbers so that the least one is 0.
func bounds(src *Values, steps Integers) (zero, most int) {
	switch {
	case src.Codes != nil:
		return int(src.Zero), min(math.MaxUint8, int(src.Zero)+steps.MostInput)
	case steps.Signed:
		zero = steps.MostInput
	}
	return zero, zero + steps.MostInput
}

// panel returns the 32-bit numbers of a panel of weights, each a group of codes.
func (p *integerPass) panel() int { return len(p.use.offsets) * tileCols }

// codes are memory for codes, of 16 bits or of 8.
type codes struct {
	words  []int16
	bytes  []uint8
	narrow bool
	zero   uint8 // the code of 0, of those of 8 bits
}

// codesIn returns memory for numbers as memory for codes.
func (g *layout) codesIn(numbers []float32) codes {
	return codes{words: wordsOf(numbers), bytes: bytesOf(wordsOf(numbers)), narrow: g.each == 4}
}

// wordsOf returns the memory of numbers as words, two for each number.
func wordsOf(numbers []float32) []int16 {
	return unsafe.Slice((*int16)(unsafe.Pointer(unsafe.SliceData(numbers))), 2*len(numbers))
}

// wordsFrom returns the memory of bytes as words, two bytes for each, but for an odd last one.
func wordsFrom(bytes []uint8) []int16 {
	return unsafe.Slice((*int16)(unsafe.Pointer(unsafe.SliceData(bytes))), len(bytes)/2)
}

// bytesOf returns the memory of words as bytes.
func bytesOf(words []int16) []uint8 {
	return unsafe.Slice((*uint8)(unsafe.Pointer(unsafe.SliceData(words))), 2*len(words))
}

// put writes the codes of src from index at on, and returns whether all of src are numbers.
func (c codes) put(at int, src []float32, inverse float32) (numbers bool) {
	if c.narrow {
		return NarrowCodes(c.bytes[at:at+len(src)], src, inverse, c.zero)
	}
	return Codes(c.words[at:at+len(src)], src, inverse)
}

// clear writes n codes of 0 from index at on.
func (c codes) clear(at, n int) {
	switch {
	case !c.narrow:
		clear(c.words[at : at+n])
	case c.zero == 0:
		clear(c.bytes[at : at+n])
	default:
		for i := range c.bytes[at : at+n] {
			c.bytes[at+i] = c.zero
		}
	}
}

// Tile packs one panel.
func (t *packIntegers) Tile(i, worker int) {
	p := t.pass
	g, n0 := i/p.panels(), i%p.panels()*tileCols
	panel, rows := p.weights.panels[i*p.panel():][:p.panel()], p.pool.local[worker]
	for k0 := 0; k0 < len(p.use.offsets); k0 += maxPanel {
		p.part(panel[k0*tileCols:], rows, g, n0, k0, min(len(p.use.offsets), k0+maxPanel))
	}
}

// part packs groups [k0, k1), maxPanel at most, of the panel from column n0 of a group of
// channels on: codes of the weights, row by row, are transposed in groups.
func (p *integerPass) part(panel, rows []float32, g, n0, k0, k1 int) {
	cols := min(tileCols, p.dstGroup-n0)
	for n := range cols {
		o := g*p.dstGroup + n0 + n
		p.fetch(o+1, k0, k1)
		p.row(rows[n*maxPanel:][:k1-k0], p.w[o*p.column:][:p.column], p.inverse[o], k0)
	}
	transpose(panel, rows, maxPanel, cols, k1-k0)
}

// fetch asks for the weights of groups [k0, k1), or some near, of an output channel, if it is there.
func (p *integerPass) fetch(o, k0, k1 int) {
	first, last := min(p.use.each*k0, p.column), min(p.use.each*k1, p.column)
	if o < p.dstC {
		fetch(Bytes(p.w[o*p.column:][first:last]))
	}
}

// row writes groups of codes, of one channel's weights, from group k on; the last group of
// a run may end with zeros.
func (p *integerPass) row(dst, w []float32, inverse float32, k int) {
	each, out := p.use.each, p.use.codesIn(dst)
	at, group := 0, 0 // of the run: in the weights, and among the groups
	for _, run := range p.runs {
		n := (run + each - 1) / each
		if from, to := max(k-group, 0), min(n, k+len(dst)-group); from < to {
			first, last := each*from, min(run, each*to)
			begin, end := each*(group+from-k), each*(group+to-k)
			out.put(begin, w[at+first:at+last], inverse)
			out.clear(begin+last-first, end-begin-(last-first))
		}
		at, group = at+run, group+n
	}
}

// Tile computes a chunk of the channels of one block.
func (p *integerPass) Tile(i, worker int) {
	block, chunk := i/p.chunks, i%p.chunks
	b := p.at(block, p.batch)
	buf := p.pool.local[worker]
	window := p.use.codesIn(buf[:p.window])
	window.zero = p.zero
	c := &p.classes[0]
	n := c.pixels(b)
	t := integerTiling{cRow: c.dst[:n], aRow: c.src[:n], pitch: c.pitch, narrow: window.narrow}
	var zeros [pair * tileCols]float32
	numbers := true
	switch {
	case p.matrix && window.narrow && p.src.Codes != nil && (p.use.pitch == 0 || p.byTiles):
		window.bytes = p.src.Codes[b.image*p.srcC:]
		window.words = wordsFrom(window.bytes)
	case p.use.pitch > 0: // the window has the rows of a cut
	default:
		numbers = p.encode(window, b)
	}
	dst := p.dst[(b.image*p.dstH+b.row)*p.dstW*p.dstC:]
	first, last := chunkOf(chunk, p.chunks, p.panels())
	if p.byTiles {
		p.multiplyTiles(dst, window.bytes, n, first, last)
		if !numbers {
			p.spoil(dst, c.dst[:n], first*tileCols, last*tileCols)
		}
		return
	}
	offsets := p.use.offsets
	cuts := (len(offsets) + p.deep - 1) / p.deep
	for g := range p.groups {
		for cut := range cuts {
			k0, k1 := cut*len(offsets)/cuts, (cut+1)*len(offsets)/cuts
			if p.use.pitch > 0 {
				numbers = p.encodeRows(window, b, g*p.srcGroup+p.use.each*k0, g*p.srcGroup+min(p.use.each*k1, p.srcGroup)) && numbers
				t.a, t.aRow, t.aGroup, t.pitch = window.words, p.use.rows[:n], offsets[:k1-k0], p.use.pitch
			} else {
				t.a, t.first, t.aGroup = window.words, g*p.srcGroup, offsets[k0:k1]
			}
			t.accumulate = cut > 0
			for panel := first; panel < last; panel += pair {
				n0 := panel * tileCols
				t.c, t.cols = dst[g*p.dstGroup+n0:], min(pair*tileCols, p.dstGroup-n0)
				p.weigh(&t, buf[p.window:], g, n0, min(pair, last-panel), k0, k1)
				if p.zero > 0 {
					t.ofZeros(zeros[:], p.zero)
					t.less = zeros[:]
				}
				if t.scale = nil; cut == cuts-1 {
					t.scale = p.scale[g*p.dstGroup+n0:]
				}
				t.run()
			}
		}
	}
	if !numbers {
		p.spoil(dst, c.dst[:n], first*tileCols, last*tileCols)
	}
}

// weigh gives t groups [k0, k1) of panels of weights, from column n0 of a group of channels on:
// as they were packed, or packed in memory.
func (p *integerPass) weigh(t *integerTiling, memory []float32, g, n0, panels, k0, k1 int) {
	if !p.inPlace {
		at := (g*p.panels()+n0/tileCols)*len(p.use.offsets) + k0
		t.b, t.next = wordsOf(p.weights.panels[at*tileCols:]), 2*p.panel()
		return
	}
	rows, packed, size := memory[:partOfPanel], memory[partOfPanel:], (k1-k0)*tileCols
	for i := range panels {
		p.part(packed[i*size:], rows, g, n0+i*tileCols, k0, k1)
	}
	t.b, t.next = wordsOf(packed), 2*size
}

// encode writes the window of a block, as codes, and returns whether all of it are numbers.
func (p *integerPass) encode(window codes, b blockRange) (numbers bool) {
	if p.matrix {
		return window.take(0, &p.src, b.image*p.srcC, b.images*p.srcC, p.input)
	}
	numbers = true
	line := p.winW * p.srcC
	from, to := max(0, p.left), min(p.srcW, p.left+p.winW)
	before, inside := (from-p.left)*p.srcC, max(0, to-from)*p.srcC
	for n := range b.images {
		for i := range p.winH {
			if !p.read[n*p.winH+i] {
				continue
			}
			at := (n*p.winH + i) * line
			row := p.top + b.strip*p.step + i
			if row < 0 || row >= p.srcH || to <= from {
				window.clear(at, line)
				continue
			}
			in := (((b.image+n)*p.srcH+row)*p.srcW + from) * p.srcC
			window.clear(at, before)
			numbers = window.take(at+before, &p.src, in, inside, p.input) && numbers
			window.clear(at+before+inside, line-before-inside)
		}
	}
	return numbers
}

// encodeRows writes columns [from, to) of the rows of a block of a matrix, as codes, a
// pitch apart, and returns whether all of them are numbers.
func (p *integerPass) encodeRows(rows codes, b blockRange, from, to int) (numbers bool) {
	numbers = true
	for i := range b.images {
		numbers = rows.take(i*p.use.pitch, &p.src, (b.image+i)*p.srcC+from, to-from, p.input) && numbers
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
