// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"math"

	"github.com/goqat/goqat/internal/kernel"
)

// In a quantized step of a training the results of quantizers live as codes, a byte for
// each, where all who read them can. What a code stands for is the real number that the
// quantizer would have written, bit for bit (docs/numerics.md, 3.17): so it is not a
// matter of results which tensors are codes, but of memory, and of the time to move it.

// A codeReader Function reads its inputs with Node.values: they may be codes.
type codeReader interface{ readsCodes() }

// A codeCarrier Function that says so passes on values as they are, codes as codes: it
// reads its input with Node.values, and writes its result with them.
type codeCarrier interface{ carriesCodes() bool }

// carries says whether n has the values of another node, as codes where those are codes.
func (n *Node) carries() bool {
	c, ok := n.fn.(codeCarrier)
	return ok && c.carriesCodes()
}

// codable says whether all who read n can read codes.
func (n *Node) codable() bool {
	for _, reader := range n.readers {
		if _, ok := reader.fn.(codeReader); !ok && !(reader.carries() && reader.codable()) {
			return false
		}
	}
	return len(n.readers) > 0
}

// isCodes says whether the values of n are codes in the plan of the training.
func (n *Node) isCodes() bool {
	for n.carries() {
		n = n.kept
	}
	e, ok := n.fn.(*epilogue)
	return ok && e.encodes
}

// values returns the values of n, an input or the result of a Function, for whom the
// executor has the real numbers x unless they are codes.
func (n *Node) values(r *Run, x []float32) kernel.Values {
	if !r.coded || n.codes == nil {
		return kernel.Real(x)
	}
	s := stepsOf(n, r)
	return kernel.Values{Codes: n.codes, Zero: uint8(-s.Least), Step: s.Step}
}

// encodable says whether codes can stand for the result of the epilogue in a run.
func (e *epilogue) encodable(r *Run) bool {
	q, ok := e.Quantizer.(Stepped)
	if !ok || !e.node.codable() || !r.Quantizes(e.name) {
		return false
	}
	if q, ok := e.Quantizer.(ImageQuantizer); ok && q.ByImage() {
		return false
	}
	q.Begin(r)
	s := q.Steps()
	return kernel.Usable(s.Step) && s.Least <= 0 && s.Most-s.Least <= math.MaxUint8
}

// encode plans the memory of a step anew if other tensors are codes in it than in the
// last.
func (g *Graph) encode() {
	changed := false
	for _, e := range g.epilogues {
		encodes := e.encodable(g.run)
		changed = changed || encodes != e.encodes
		e.encodes = encodes
	}
	if changed {
		g.train.plan()
		g.bind()
		g.train.profile(g.batch)
	}
}

// A decoding makes real numbers of codes, for passes that take no codes.
type decoding struct {
	src    kernel.Values
	dst    []float32
	memory []float32 // of dst, for the greatest tensor that there was
}

// decodeTile is the number of values of a tile.
const decodeTile = 1 << 14

func (d *decoding) Tile(i, _ int) {
	lo := i * decodeTile
	d.src.Read(d.dst[lo:min(len(d.dst), lo+decodeTile)], lo)
}

// real returns the first n of some values as real numbers, in memory that the run's next
// call overwrites.
func (r *Run) real(v kernel.Values, n int) []float32 {
	if v.Codes == nil {
		return v.Real[:n]
	}
	d := &r.decoding
	d.memory = grown(d.memory, n)
	d.src, d.dst = v, d.memory[:n]
	r.pool.Run(d, (n+decodeTile-1)/decodeTile)
	return d.dst
}
