// SPDX-License-Identifier: Apache-2.0

package kernel

import "math"

// leastCodes is how many bytes the rows of a tile of codes must have, of the 64 they can: from half on, tiles were
// measured to do more in the runtime's layers than VNNI does (see package infer/internal/kernel/amx).
const leastCodes = tileBytes / 2

// codeTiles are the products of a forward pass on codes of 8 bits as products of tiles: the panels of weights are those
// of other kernels.
type codeTiles struct {
	tileLines
	depth        int     // bytes of a slice
	aStep, bStep []int32 // of the slices
	bAt          []int32 // of the panels
	whole        bool    // the window must be the codes of the input themselves
}

// newCodeTiles returns the products of a pass by tiles, nil where they do not pay: in few channels, or lines of few
// pixels. That depends on the shape alone.
func newCodeTiles(p *integerPass) *codeTiles {
	fours := &p.layouts[1]
	panel := len(fours.offsets) * fours.each * tileCols
	if p.groups > 1 || p.dstC%tileCols > 0 || p.matrix && p.srcC%fours.each > 0 || p.panels()*panel > maxOffset {
		return nil
	}
	t := &codeTiles{tileLines: p.tileLines(&p.classes[0], 1), whole: fours.pitch > 0}
	run := len(fours.offsets)
	for k := 1; k < len(fours.offsets); k++ {
		if fours.offsets[k] != fours.offsets[k-1]+int32(fours.each) {
			run = gcd(run, k)
		}
	}
	groups := tileBytes / fours.each
	for run%groups != 0 {
		groups--
	}
	t.depth = groups * fours.each
	if t.rows*t.depth < leastCodes*max(leastRows, t.rows) {
		return nil
	}
	for k := 0; k < len(fours.offsets); k += groups {
		t.aStep, t.bStep = append(t.aStep, fours.offsets[k]), append(t.bStep, int32(k*fours.each*tileCols))
	}
	for i := range p.panels() {
		t.bAt = append(t.bAt, int32(i*panel))
	}
	return t
}

// suits says whether the tiles are for a run whose input is not negative: whether its weights have 8 bits.
func (t *codeTiles) suits(src *Values, s Integers) bool {
	return t != nil && tiles != noTiles && s.MostWeights <= math.MaxInt8 && (src.Codes != nil || !t.whole)
}

// multiplyTiles computes panels [first, last) of n pixels of a block, whose codes are in the window.
func (p *integerPass) multiplyTiles(dst []float32, window []uint8, n, first, last int) {
	t := p.tiled
	t.run(tileProduct{
		c: dst[first*tileCols:], cPair: tilePanels * tileCols, a: window, b: Bytes(p.weights.panels), bAt: t.bAt[first:last],
		aStep: t.aStep, bStep: t.bStep, depth: t.depth,
	}, n)
	scale := p.scale[first*tileCols : last*tileCols]
	if len(scale) == p.dstC {
		scaleSums(dst[:n*p.dstC], scale)
		return
	}
	for _, at := range p.classes[0].dst[:n] {
		scaleSums(dst[int(at)+first*tileCols:][:len(scale)], scale)
	}
}

// scaleSums makes numbers of the bits of int32 in rows of dst, of as many columns as scale has, a multiple of 16:
// each times its scale.
func scaleSums(dst, scale []float32) {
	rows := len(dst) / len(scale)
	if tier > Portable {
		vectorScaleSums(dst, scale, rows)
		return
	}
	for i, v := range dst {
		dst[i] = float32(int32(math.Float32bits(v))) * scale[i%len(scale)]
	}
}
