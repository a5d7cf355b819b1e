// SPDX-License-Identifier: Apache-2.0

package infer

import (
	"github.com/goqat/goqat/infer/internal/kernel"
	"github.com/goqat/goqat/qmodel"
)

func newMaxPool(m *qmodel.Model, i int, c kernel.Conv, set kernel.Set) step {
	o := &m.Operators[i]
	return &maxPool{rowsOf(c), kernel.NewWindow(c), o.Inputs[0], o.Output, set.MaxPool}
}

func newAvgPool(m *qmodel.Model, i int, c kernel.Conv, set kernel.Set) step {
	o := &m.Operators[i]
	pool := set.SumPool
	if w := o.Window(); w.Padded() {
		in := &m.Tensors[o.Inputs[0]]
		var shares []int32
		for _, share := range w.Shares(in.Height, in.Width, o.CountPad) {
			shares = append(shares, int32(share))
		}
		pool = func(w *kernel.Window, acc []int32, x []uint8, row, rows int) {
			kernel.SumShares(w, shares, acc, x, row, rows)
		}
	}
	return &avgPool{rowsOf(c), kernel.NewWindow(c), o.Inputs[0], pool, finisher(m, i, set)}
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
