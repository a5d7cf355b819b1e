// SPDX-License-Identifier: Apache-2.0

package infer

import (
	"math/bits"
	"slices"

	"github.com/goqat/goqat/infer/internal/kernel"
	"github.com/goqat/goqat/qmodel"
)

// weighted is a convolution or linear layer with what is added to it.
type weighted struct {
	c      kernel.Conv
	plan   kernel.Plan
	rest   *kernel.Remainder // of the weights beyond int8, nil for none
	double bool              // the weights are 2c + 1, where the plan's are c
	in     int
	out    int
	wide   bool // the accumulators are the output
	own    int  // accumulators of an output
	adds   int  // per image
	finish kernel.Finisher
	center *kernel.Centering // of an input whose channels have zero points of their own, else nil
	unfold *kernel.Unfolding // of a dilated kernel, nil for none; then c is what is left to do
	fused  kernel.Fused      // the plan and the finisher in one, nil where there is no such kernel
}

// newWeighted prepares operator i.
func newWeighted(m *qmodel.Model, i int, c kernel.Conv, set kernel.Set) step {
	o := &m.Operators[i]
	w := &weighted{c: c, in: o.Inputs[0], out: o.Output, own: m.Accumulators(o)}
	e := epilogue(m, i)
	w.adds = int(m.MACs(i)) * w.own
	d := o.Window().Dilated()
	if d != [2]int{1, 1} {
		w.unfold, w.c = kernel.Unfold(c, d[0], d[1])
	}
	if zeros := m.Tensors[w.in].ZeroPoints; zeros != nil {
		var sets [][]int16
		for k := range o.Weights.Sets() {
			sets = append(sets, o.Weights.Values(k))
		}
		w.center = kernel.NewCentering(c, d[0], d[1], zeros, sets)
		fold(&e, w.center)
	}
	w.wide = w.own == 1 && o.Requantizer == nil && o.Thresholds == nil
	w.plan = w.newPlan(m, o, &e, set)
	w.finish = finish(e, set)
	if f, ok := w.plan.(kernel.Fuser); ok && !w.double && w.rest == nil && w.unfold == nil && w.center == nil {
		if w.fused = f.Fuse(w.finish); w.fused != nil {
			return w
		}
		if codes, ok := kernel.AsCodes(e); ok {
			end := set.Finish(codes)
			if w.fused = f.Fuse(end); w.fused != nil {
				w.finish = end
			}
		}
	}
	return w
}

// fold moves what a centering adds to most pixels into the biases of accumulators, where these and the accumulators without
// it fit int32.
func fold(e *kernel.Epilogue, center *kernel.Centering) {
	if e.R == nil || e.ByImage() || e.Own() != 1 || e.Terms[0].Width() == 32 {
		return
	}
	reach := int32(1) << (e.Terms[0].Width() - 1) // of accumulators with their biases
	common := center.Fold(1<<31 - 1 - reach)
	if common == nil {
		return
	}
	r := *e.R
	r.AccBias = slices.Clone(r.AccBias)
	for c, missing := range common {
		r.AccBias[c] += missing
	}
	e.R = &r
	e.Terms[0].Bits = bits.Len32(uint32(reach+max(slices.Max(common), -slices.Min(common)))) + 1
}

// newPlan prepares the weights. It changes the end where that takes less time with other accumulators.
func (w *weighted) newPlan(m *qmodel.Model, o *qmodel.Operator, e *kernel.Epilogue, set kernel.Set) kernel.Plan {
	in, sets := &m.Tensors[w.in], o.Weights.Sets()
	var codes []int8 // of the only set of weights
	switch {
	case in.Signs:
		if codes = w.signCodes(in, o.Weights, e, set); codes == nil {
			return kernel.NewParts(set, sets, func(set kernel.Set, k int) kernel.Plan { return set.Signs(w.c, in.Bits, o.Weights.Values(k)) })
		}
	case sets > 1:
		return kernel.NewParts(set, sets, func(set kernel.Set, k int) kernel.Plan { return set.Plan(w.c, w.codes(o.Weights, k)) })
	default:
		codes = w.codes(o.Weights, 0)
	}
	if !w.double && w.rest == nil && w.center == nil {
		codes = powered(e, codes)
		if isPooled(m, w.out) {
			codes = rising(e, codes)
		}
	}
	return set.Plan(w.c, codes)
}

// signCodes makes an operator on one sign one on codes and returns its weights, nil where that is no gain or cannot be.
func (w *weighted) signCodes(in *qmodel.Tensor, weights *qmodel.Weights, e *kernel.Epilogue, set kernel.Set) []int8 {
	if in.Bits > 1 || weights.Sets() > 1 || w.center != nil || set.SignCodes == nil || !set.SignCodes(w.c) {
		return nil
	}
	c, end, codes, ok := kernel.SignCodes(w.c, *e, weights.Values(0))
	if !ok {
		return nil
	}
	w.c, *e = c, end
	return codes
}

// codes returns set k of the weights as plans take them, and keeps what they lack. Where there are several sets, all fit int8.
func (w *weighted) codes(weights *qmodel.Weights, k int) []int8 {
	w.double = weights.Coding == qmodel.Odd && weights.Bits == 8
	if w.double || weights.Coding == qmodel.Narrow && weights.Sets() == 1 { // as they are
		return weights.Codes()
	}
	var codes []int8
	codes, w.rest = kernel.NewRemainder(w.c, weights.Values(k))
	return codes
}

func (w *weighted) tiles(batch int) int { return w.plan.Tiles(batch) }
func (w *weighted) work() int           { return w.adds }

func (w *weighted) needs() kernel.Needs {
	if w.fused != nil {
		return w.fused.Needs()
	}
	n := w.plan.Needs().Max(w.finish.Needs()).Max(kernel.Needs{Acc: w.plan.MaxTile()})
	if w.unfold != nil {
		n.Bytes += w.unfolded()
	}
	return n
}

// unfolded returns the most codes of a tile of the unfolded tensor.
func (w *weighted) unfolded() int {
	const images = 1 << 20 // more than the first tile takes
	return w.plan.Tile(0, images).Rows * w.unfold.Row()
}

func (w *weighted) run(i, batch int, tensors []kernel.Tensor, s *kernel.Scratch) {
	t, x := w.plan.Tile(i, batch), tensors[w.in].Codes
	if w.fused != nil {
		w.fused.Run(t, x, tensors, s)
		return
	}
	acc, at := s.Acc[:w.own*t.Rows*t.Stride], t // at is where the tile is in x
	if w.unfold != nil {
		own := s.Bytes[len(s.Bytes)-w.unfolded():]
		w.unfold.Rows(own, x, t.Row, t.Rows)
		x, at.Row = own, 0
	}
	inPlace := w.wide && t.Stride == w.c.OutC
	if inPlace {
		acc = tensors[w.out].Wide[t.Row*t.Stride:][:len(acc)]
	}
	w.plan.Accumulate(acc, x, at, s)
	if w.double {
		kernel.Double(acc, x, &w.c, at)
	}
	if w.rest != nil {
		w.rest.Add(acc, x, at)
	}
	if w.center != nil {
		w.center.Add(acc, t)
	}
	if !inPlace {
		w.finish.Finish(t, acc, tensors, s)
	}
}
