// SPDX-License-Identifier: Apache-2.0

package infer

import (
	"slices"

	"github.com/goqat/goqat/infer/internal/kernel"
	"github.com/goqat/goqat/qmodel"
)

// A program is a model compiled for one kernel set. It is immutable and shared by runners.
type program struct {
	kernel string // the set's name
	arena  *arenaPlan
	steps  []step
	needs  kernel.Needs // of any step
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
	p := &program{kernel: set.Name, arena: planArena(m)}
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
		return &maxPool{rows, kernel.NewWindow(c), o.Inputs[0], o.Output, set.MaxPool}
	case qmodel.AvgPool:
		return &avgPool{rows, kernel.NewWindow(c), o.Inputs[0], set.SumPool, finisher(m, i, set)}
	case qmodel.Flatten:
		return flatten{}
	case qmodel.Table:
		return &table{rows, o.Table, o.Inputs[0], o.Output}
	case qmodel.Add, qmodel.Sign:
		return &add{rows, len(o.Inputs), finisher(m, i, set)}
	default:
		return newWeighted(m, i, c, set)
	}
}

// finisher prepares the end of operator i, which requantizes or compares.
func finisher(m *qmodel.Model, i int, set kernel.Set) kernel.Finisher {
	o := &m.Operators[i]
	e := kernel.Epilogue{
		Channels: m.Tensors[o.Output].Channels, Output: o.Output, Others: o.Inputs, R: o.Requantizer,
		T: o.Thresholds,
	}
	if own := m.Accumulators(o); own > 0 {
		e.Others = o.Inputs[1:]
		e.Terms = slices.Repeat([]kernel.Term{{Bits: m.AccumulatorBits(i)}}, own)
	}
	for _, t := range e.Others {
		e.Terms = append(e.Terms, kernel.Term{Codes: m.Tensors[t].Kind == qmodel.Codes, Zero: m.Tensors[t].ZeroPoint})
	}
	if e.T != nil {
		return set.Compare(e)
	}
	return set.Finish(e)
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
	window  *kernel.Window
	in, out int
	pool    func(w *kernel.Window, dst, x []uint8, row, rows int)
}

func (p *maxPool) work() int           { return p.pixels * p.channels * p.window.KH * p.window.KW }
func (p *maxPool) needs() kernel.Needs { return kernel.Needs{} }

func (p *maxPool) run(i, batch int, tensors []kernel.Tensor, _ *kernel.Scratch) {
	t := p.tile(i, batch)
	p.pool(p.window, tensors[p.out].Codes, tensors[p.in].Codes, t.Row, t.Rows)
}

type avgPool struct {
	rows
	window *kernel.Window
	in     int
	pool   func(w *kernel.Window, acc []int32, x []uint8, row, rows int)
	finish kernel.Finisher
}

func (p *avgPool) work() int { return p.pixels * p.channels * (p.window.KH*p.window.KW + 4) }

func (p *avgPool) needs() kernel.Needs {
	return p.finish.Needs().Max(kernel.Needs{Acc: p.each() * p.channels})
}

func (p *avgPool) run(i, batch int, tensors []kernel.Tensor, s *kernel.Scratch) {
	t := p.tile(i, batch)
	acc := s.Acc[:t.Rows*t.Stride]
	p.pool(p.window, acc, tensors[p.in].Codes, t.Row, t.Rows)
	p.finish.Finish(t, acc, tensors, s)
}

type add struct {
	rows
	terms  int
	finish kernel.Finisher
}

func (a *add) work() int           { return a.pixels * a.channels * (a.terms + 4) }
func (a *add) needs() kernel.Needs { return a.finish.Needs() }

func (a *add) run(i, batch int, tensors []kernel.Tensor, s *kernel.Scratch) {
	a.finish.Finish(a.tile(i, batch), nil, tensors, s)
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
