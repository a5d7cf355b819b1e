// SPDX-License-Identifier: Apache-2.0

package infer

import (
	"github.com/goqat/goqat/infer/internal/kernel"
	"github.com/goqat/goqat/qmodel"
)

func newConcat(m *qmodel.Model, i int, c kernel.Conv, _ kernel.Set) step {
	o := &m.Operators[i]
	s := &concat{rows: rowsOf(c), out: o.Output}
	for k, in := range o.Inputs {
		s.parts = append(s.parts, part{in, m.Tensors[in].Channels, o.Tables[k]})
	}
	return s
}

// concat puts the channels of tensors next to each other.
type concat struct {
	rows
	parts []part
	out   int
}

// part is an input of a concat.
type part struct {
	in, channels int
	codes        []uint8 // of the output for each of the input's; nil where they stay
}

func (p *concat) work() int           { return p.pixels * p.channels }
func (p *concat) needs() kernel.Needs { return kernel.Needs{} }

func (p *concat) run(i, batch int, tensors []kernel.Tensor, _ *kernel.Scratch) {
	t := p.tile(i, batch)
	at := 0
	for _, in := range p.parts {
		for r := t.Row; r < t.Row+t.Rows; r++ {
			y, x := tensors[p.out].Codes[r*p.channels+at:][:in.channels], tensors[in.in].Codes[r*in.channels:][:in.channels]
			if in.codes == nil {
				copy(y, x)
				continue
			}
			for j, q := range x {
				y[j] = in.codes[q]
			}
		}
		at += in.channels
	}
}
