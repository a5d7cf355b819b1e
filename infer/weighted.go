// SPDX-License-Identifier: Apache-2.0

package infer

import (
	"github.com/goqat/goqat/infer/internal/kernel"
	"github.com/goqat/goqat/qmodel"
)

// weighted is a convolution or linear layer with what is added to it.
//
// Where an output has several accumulators, they are as many channels of the plan, next to each other.
type weighted struct {
	c      kernel.Conv
	plan   kernel.Plan
	rest   *kernel.Remainder // of the weights beyond int8, nil for none
	double bool              // the weights are 2c + 1, where the plan's are c
	in     int
	adds   int // per image
	finish kernel.Finisher
	fused  kernel.Fused // the plan and the finisher in one, nil where there is no such kernel
}

// newWeighted prepares operator i.
func newWeighted(m *qmodel.Model, i int, c kernel.Conv, set kernel.Set) *weighted {
	o := &m.Operators[i]
	own := m.Accumulators(o)
	w := &weighted{in: o.Inputs[0], adds: int(m.MACs(i)) * own, finish: finisher(m, i, set)}
	c.OutC, c.Own = c.OutC*own, own
	w.c = c
	if in := &m.Tensors[o.Inputs[0]]; in.Signs {
		w.plan = set.Signs(c, in.Bits, interleaved(o.Weights))
		return w
	}
	w.double = o.Weights.Coding == qmodel.Odd && o.Weights.Bits == 8
	var codes []int8
	if w.double || o.Weights.Coding == qmodel.Narrow && o.Weights.Sets() == 1 { // as they are
		codes = o.Weights.Codes()
	} else {
		codes, w.rest = kernel.NewRemainder(c, interleaved(o.Weights))
	}
	w.plan = set.Plan(c, codes)
	if f, ok := w.plan.(kernel.Fuser); ok && !w.double && w.rest == nil {
		w.fused = f.Fuse(w.finish)
	}
	return w
}

// interleaved returns the weights with those of all sets for an output next to each other.
func interleaved(w *qmodel.Weights) []int16 {
	if w.Sets() == 1 {
		return w.Values(0)
	}
	each := w.Shape[1] * w.Shape[2] * w.Shape[3]
	sets := make([][]int16, w.Sets())
	for k := range sets {
		sets[k] = w.Values(k)
	}
	var values []int16
	for o := range w.Shape[0] {
		for _, set := range sets {
			values = append(values, set[o*each:(o+1)*each]...)
		}
	}
	return values
}

func (w *weighted) tiles(batch int) int { return w.plan.Tiles(batch) }
func (w *weighted) work() int           { return w.adds }

func (w *weighted) needs() kernel.Needs {
	if w.fused != nil {
		return w.fused.Needs()
	}
	return w.plan.Needs().Max(w.finish.Needs()).Max(kernel.Needs{Acc: w.plan.MaxTile()})
}

func (w *weighted) run(i, batch int, tensors []kernel.Tensor, s *kernel.Scratch) {
	t, x := w.plan.Tile(i, batch), tensors[w.in].Codes
	if w.fused != nil {
		w.fused.Run(t, x, tensors, s)
		return
	}
	acc := s.Acc[:t.Rows*t.Stride]
	w.plan.Accumulate(acc, x, t, s)
	if w.double {
		kernel.Double(acc, x, &w.c, t)
	}
	if w.rest != nil {
		w.rest.Add(acc, x, t)
	}
	w.finish.Finish(t, acc, tensors, s)
}
