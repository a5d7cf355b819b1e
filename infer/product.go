// SPDX-License-Identifier: Apache-2.0

package infer

import (
	"github.com/goqat/goqat/infer/internal/kernel"
	"github.com/goqat/goqat/qmodel"
)

func newMultiply(m *qmodel.Model, i int, c kernel.Conv, set kernel.Set) step {
	o := &m.Operators[i]
	return &multiply{
		rows: rowsOf(c), x: o.Inputs[0], y: o.Inputs[1], byChannel: m.Tensors[o.Inputs[1]].Len() != m.Tensors[o.Inputs[0]].Len(),
		finish: finisher(m, i, set),
	}
}

// multiply requantizes the product of two tensors.
type multiply struct {
	rows
	x, y      int
	byChannel bool // y has one number for each channel of an image
	finish    kernel.Finisher
}

func (p *multiply) work() int { return p.pixels * p.channels * 5 }

func (p *multiply) needs() kernel.Needs {
	return p.finish.Needs().Max(kernel.Needs{Acc: p.each() * p.channels})
}

func (p *multiply) run(i, batch int, tensors []kernel.Tensor, s *kernel.Scratch) {
	t := p.tile(i, batch)
	x, y := &tensors[p.x], &tensors[p.y]
	acc := s.Acc[:t.Rows*t.Stride]
	for r := range t.Rows {
		row := t.Row + r
		a, b := x.Codes[row*p.channels:][:p.channels], y.Codes
		if p.byChannel {
			row /= p.pixels
		}
		b = b[row*p.channels:][:p.channels]
		sums := acc[r*t.Stride:][:p.channels]
		for c, q := range a {
			sums[c] = (int32(q) - x.Zero) * (int32(b[c]) - y.Zero)
		}
	}
	p.finish.Finish(t, acc, tensors, s)
}
