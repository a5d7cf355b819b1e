// SPDX-License-Identifier: Apache-2.0

package infer

import (
	"github.com/goqat/goqat/infer/internal/kernel"
	"github.com/goqat/goqat/qmodel"
)

// A program is a model compiled for one kernel set. It is immutable and shared by runners.
type program struct {
	arena *arenaPlan
	steps []step
	needs kernel.Needs // of any step
}

// A step runs one operator, in pieces that are independent of each other. Tensors are found by index in the runner's
// list.
type step interface {
	tiles(batch int) int
	run(i, batch int, tensors []kernel.Tensor, s *kernel.Scratch)
	needs() kernel.Needs
	work() int // about the elementary additions per image, to decide whether threads pay
}

func compile(m *qmodel.Model, set kernel.Set) *program {
	p := &program{arena: planArena(m)}
	for i := range m.Operators {
		s := newStep(m, i, set)
		p.steps = append(p.steps, s)
		p.needs = p.needs.Max(s.needs())
	}
	return p
}

// newStep prepares operator i of a valid model.
func newStep(m *qmodel.Model, i int, set kernel.Set) step {
	o := &m.Operators[i]
	in, out := &m.Tensors[o.Inputs[0]], &m.Tensors[o.Output]
	c := kernel.Conv{
		InH: in.Height, InW: in.Width, InC: in.Channels, OutH: out.Height, OutW: out.Width, OutC: out.Channels,
		KH: o.Kernel[0], KW: o.Kernel[1], StrideH: o.Stride[0], StrideW: o.Stride[1], Top: o.Pad[0], Left: o.Pad[1],
		Groups: o.Groups, Zero: in.ZeroPoint, Max: in.Max(),
	}
	rows := rows{pixels: c.Pixels(), channels: c.OutC}
	switch o.Op {
	case qmodel.MaxPool:
		return &maxPool{rows, c, o.Inputs[0], o.Output}
	case qmodel.AvgPool:
		return &avgPool{rows, c, o.Inputs[0], kernel.NewEpilogue(c.OutC, o.Output, nil, o.Requantizer), set}
	case qmodel.Flatten:
		return flatten{}
	case qmodel.Table:
		return &table{rows, o.Table, o.Inputs[0], o.Output}
	case qmodel.Add:
		return &add{rows, len(o.Inputs), kernel.NewEpilogue(c.OutC, o.Output, o.Inputs, o.Requantizer), set}
	default:
		codes, doubled := planned(o.Weights)
		return &weighted{
			c: c, plan: set.Plan(c, codes), doubled: doubled, in: o.Inputs[0], macs: int(m.MACs(i)), set: set,
			epilogue: kernel.NewEpilogue(c.OutC, o.Output, o.Inputs[1:], o.Requantizer),
		}
	}
}

// planned returns the weights for a plan. Odd numbers 2c + 1 of 8 bits exceed int8: of them it returns c, and true.
func planned(w *qmodel.Weights) (weights []int8, doubled bool) {
	if !w.Odd || w.Bits == 8 {
		return w.Codes, w.Odd
	}
	weights = make([]int8, len(w.Codes))
	for i, v := range w.Values() {
		weights[i] = int8(v)
	}
	return weights, false
}

// weighted is a convolution or linear layer with what is added to it.
type weighted struct {
	c        kernel.Conv
	plan     kernel.Plan
	doubled  bool // the weights are 2c + 1, where the plan's are c
	in, macs int
	epilogue *kernel.Epilogue
	set      kernel.Set
}

func (w *weighted) tiles(batch int) int { return w.plan.Tiles(batch) }
func (w *weighted) work() int           { return w.macs }

func (w *weighted) needs() kernel.Needs {
	return w.plan.Needs().Max(w.epilogue.Needs()).Max(kernel.Needs{Acc: w.plan.MaxTile()})
}

func (w *weighted) run(i, batch int, tensors []kernel.Tensor, s *kernel.Scratch) {
	t := w.plan.Tile(i, batch)
	acc := s.Acc[:t.Rows*t.Stride]
	w.plan.Accumulate(acc, tensors[w.in].Codes, t, s)
	if w.doubled {
		kernel.Double(acc, tensors[w.in].Codes, &w.c, t)
	}
	w.set.Finish(w.epilogue, t, acc, tensors, s)
}

// rows splits an operator's output in tiles of about rowWork numbers.
type rows struct{ pixels, channels int }

const rowWork = 1 << 13

func (r rows) each() int { return max(1, rowWork/r.channels) }

func (r rows) tiles(batch int) int { return (batch*r.pixels + r.each() - 1) / r.each() }

func (r rows) tile(i, batch int) kernel.Tile {
	first := i * r.each()
	return kernel.Tile{Row: first, Rows: min(r.each(), batch*r.pixels-first), Channels: r.channels, Stride: r.channels}
}

type maxPool struct {
	rows
	c       kernel.Conv
	in, out int
}

func (p *maxPool) work() int           { return p.pixels * p.channels * p.c.KH * p.c.KW }
func (p *maxPool) needs() kernel.Needs { return kernel.Needs{} }

func (p *maxPool) run(i, batch int, tensors []kernel.Tensor, _ *kernel.Scratch) {
	t := p.tile(i, batch)
	kernel.MaxPool(tensors[p.out].Codes, tensors[p.in].Codes, &p.c, t.Row, t.Rows)
}

type avgPool struct {
	rows
	c        kernel.Conv
	in       int
	epilogue *kernel.Epilogue
	set      kernel.Set
}

func (p *avgPool) work() int { return p.pixels * p.channels * (p.c.KH*p.c.KW + 4) }

func (p *avgPool) needs() kernel.Needs {
	return p.epilogue.Needs().Max(kernel.Needs{Acc: p.each() * p.channels})
}

func (p *avgPool) run(i, batch int, tensors []kernel.Tensor, s *kernel.Scratch) {
	t := p.tile(i, batch)
	acc := s.Acc[:t.Rows*t.Stride]
	kernel.SumPool(acc, tensors[p.in].Codes, &p.c, t.Row, t.Rows)
	p.set.Finish(p.epilogue, t, acc, tensors, s)
}

type add struct {
	rows
	terms    int
	epilogue *kernel.Epilogue
	set      kernel.Set
}

func (a *add) work() int           { return a.pixels * a.channels * (a.terms + 4) }
func (a *add) needs() kernel.Needs { return a.epilogue.Needs() }

func (a *add) run(i, batch int, tensors []kernel.Tensor, s *kernel.Scratch) {
	a.set.Finish(a.epilogue, a.tile(i, batch), nil, tensors, s)
}

type table struct {
	rows
	codes   []uint8
	in, out int
}

func (p *table) work() int           { return p.pixels * p.channels }
func (p *table) needs() kernel.Needs { return kernel.Needs{} }

func (p *table) run(i, batch int, tensors []kernel.Tensor, _ *kernel.Scratch) {
	t := p.tile(i, batch)
	x, y := tensors[p.in].Codes[t.Row*p.channels:][:t.Rows*p.channels], tensors[p.out].Codes[t.Row*p.channels:]
	for j, q := range x {
		y[j] = p.codes[q]
	}
}

// flatten does nothing: its output is its input's memory.
type flatten struct{}

func (flatten) tiles(int) int                                      { return 0 }
func (flatten) run(_, _ int, _ []kernel.Tensor, _ *kernel.Scratch) {}
func (flatten) needs() kernel.Needs                                { return kernel.Needs{} }
func (flatten) work() int                                          { return 0 }
