// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"cmp"
	"fmt"
	"slices"
)

// A value is a tensor of a schedule.
type value struct {
	size        int   // numbers
	node        *Node // that it is of; nil for a gradient or a leaf
	codes       bool  // it has a byte for each number
	first, read int   // the steps that compute it and read it last; first is −1 for a leaf
	last        int   // the step that reads last what is in its memory
	kept        bool  // its memory is its own
	constant    bool  // it is a parameter of Graph.Parts, or computed of such alone
	owner       int   // the value that it shares memory with: itself, or one that it overwrites
	offset      int   // in the arena, of an owner
	data        []float32
}

// numbers returns the size of its memory in numbers.
func (v *value) numbers() int {
	if v.codes {
		return (v.size + 3) / 4
	}
	return v.size
}

// overwrite has step number i compute in the memory of a value that nobody reads
// afterwards, if it can.
func overwrite(values []value, s *step, i int) {
	for _, pair := range s.over {
		in, out := &values[pair[0]], &values[pair[1]]
		owner := &values[in.owner]
		if in.kept || out.kept || in.size != out.size || in.codes != out.codes || owner.last != i {
			continue
		}
		readers := 0
		for _, v := range s.in {
			if v >= 0 && !values[v].kept && values[v].owner == in.owner {
				readers++
			}
		}
		if readers == 1 {
			out.owner, owner.last = in.owner, out.last
			return
		}
	}
}

// place gives the values that are not kept their offsets in an arena, so that
// those alive at the same time do not overlap, and returns its size. It places
// the largest first, each at the lowest gap among those placed before that live
// at the same time: the greedy order by size of Pisarchyk and Lee, "Efficient
// Memory Management for Deep Neural Net Inference", 2020.
func place(values []value) (size int) {
	var owners []*value
	for i := range values {
		if v := &values[i]; !v.kept && v.owner == i {
			owners = append(owners, v)
		}
	}
	slices.SortStableFunc(owners, func(a, b *value) int { return cmp.Compare(b.numbers(), a.numbers()) })
	var placed []*value // by offset
	for _, v := range owners {
		for _, other := range placed {
			if other.first > v.last || v.first > other.last {
				continue
			}
			if other.offset >= v.offset+v.numbers() {
				break
			}
			v.offset = max(v.offset, other.offset+aligned(other.numbers()))
		}
		size = max(size, v.offset+v.numbers())
		at, _ := slices.BinarySearchFunc(placed, v.offset, func(o *value, offset int) int { return cmp.Compare(o.offset, offset) })
		placed = slices.Insert(placed, at, v)
	}
	return size
}

// aligned rounds a size up to whole cache lines.
func aligned(n int) int { return (n + 15) &^ 15 }

// parameterCopies is the number of float32 values that a training holds at most for
// each parameter: itself, its gradient, two moments of the optimizer, and while a
// checkpoint is written a copy and the bytes of those but the gradient, or while one
// is read its bytes and its values. That makes 10, and garbage the others: a perceptron
// of 8.4 million parameters was measured to take about 12.5, by SGD and by Adam, in
// runs that were stopped in their first epochs.
const parameterCopies = 14

// takes bounds the bytes of a training from above: the arena, in which results and
// their gradients lie, what ops hold beside it, and parameterCopies. Measured beside it
// was what whole processes of qat held in memory at most (two threads, AMD EPYC Zen 3,
// images of 32×32×1, MiB), some 80 of which they hold without a network:
//
//	network           method  batch  arena  takes  measured
//	resnet20          pact      128    193    341       305
//	resnet20          pact       32     49     98       133
//	cnv               xnor       64     64    293       223
//	mobilenet         dorefa    128    418    808       865
//	mlp, 8192 wide    pact       16     64    582       543
//
// The arena is that of float steps. Where activations are codes, quantized steps use less
// of it, in resnet20 0.65, and a process that takes no others held 205 MiB there in batches
// of 128 where one that took both held 273 (qat bench train, images of 32×32×3).
//
// Runs on integers of ABC-Net, which add an accumulator for each pair of planes, take
// more. A graph of which nothing but a forward run is wanted takes less in memory, but
// as many addresses.
func (g *Graph) takes() int64 {
	values := int64(max(g.train.memory, g.forward.memory))
	for _, p := range g.params {
		values += parameterCopies * int64(len(p.Value))
	}
	var codes, wide int64 // of the largest op: all share it
	for _, s := range g.forward.steps {
		o, ok := s.do.(*op)
		if !ok {
			continue
		}
		var own, shared int64
		switch f := o.fn.(type) {
		case *conv:
			own, shared = f.beside(int64(g.batch))
			wide = max(wide, shared)
		case *epilogue:
			own, shared = f.beside(int64(g.batch))
			codes = max(codes, shared)
		}
		values += own
	}
	return 4 * (values + codes + wide)
}

// checkMemory reports a graph larger than Memory.
func (g *Graph) checkMemory() error {
	if takes := g.takes(); g.Memory > 0 && takes > g.Memory {
		const gib = 1 << 30
		return fmt.Errorf("graph: a training takes up to %.2f GiB in batches of %d, and there are %.2f GiB; make the network narrower, its images or its batches smaller",
			float64(takes)/gib, g.batch, float64(g.Memory)/gib)
	}
	return nil
}
