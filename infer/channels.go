// SPDX-License-Identifier: Apache-2.0

package infer

import (
	"github.com/goqat/goqat/infer/internal/kernel"
	"github.com/goqat/goqat/qmodel"
)

func newSelect(m *qmodel.Model, i int, c kernel.Conv, _ kernel.Set) step {
	o := &m.Operators[i]
	s := &selection{rows: rowsOf(c), from: c.InC, first: o.First, in: o.Inputs[0], out: o.Output}
	if o.Shuffle > 1 {
		for c := range s.channels {
			s.order = append(s.order, int32(o.Selects(c, s.channels)))
		}
	}
	return s
}

// selection passes on channels.
type selection struct {
	rows
	from, first int     // channels of the input, and the first of those that are next to each other
	order       []int32 // which channels; nil where they are next to each other
	in, out     int
}

func (p *selection) work() int           { return p.pixels * p.channels }
func (p *selection) needs() kernel.Needs { return kernel.Needs{} }

func (p *selection) run(i, batch int, tensors []kernel.Tensor, _ *kernel.Scratch) {
	t := p.tile(i, batch)
	for r := t.Row; r < t.Row+t.Rows; r++ {
		y, x := tensors[p.out].Codes[r*p.channels:][:p.channels], tensors[p.in].Codes[r*p.from:][:p.from]
		if p.order == nil {
			copy(y, x[p.first:])
			continue
		}
		for c, from := range p.order {
			y[c] = x[from]
		}
	}
}

func newUpsample(m *qmodel.Model, i int, c kernel.Conv, _ kernel.Set) step {
	o := &m.Operators[i]
	return &upsampling{rows: rowsOf(c), height: c.InH, width: c.InW, factor: o.Factor, in: o.Inputs[0], out: o.Output}
}

// upsampling repeats rows and columns.
type upsampling struct {
	rows
	height, width int // of the input
	factor        [2]int
	in, out       int
}

func (p *upsampling) work() int           { return p.pixels * p.channels }
func (p *upsampling) needs() kernel.Needs { return kernel.Needs{} }

func (p *upsampling) run(i, batch int, tensors []kernel.Tensor, _ *kernel.Scratch) {
	t := p.tile(i, batch)
	width := p.width * p.factor[1]
	for r := t.Row; r < t.Row+t.Rows; r++ {
		image, pixel := r/p.pixels, r%p.pixels
		from := (image*p.height+pixel/width/p.factor[0])*p.width + pixel%width/p.factor[1]
		copy(tensors[p.out].Codes[r*p.channels:][:p.channels], tensors[p.in].Codes[from*p.channels:])
	}
}
