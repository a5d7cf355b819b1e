// SPDX-License-Identifier: Apache-2.0

package infer

import (
	"github.com/goqat/goqat/infer/internal/kernel"
	"github.com/goqat/goqat/qmodel"
)

func newTable(m *qmodel.Model, i int, c kernel.Conv, _ kernel.Set) step {
	o := &m.Operators[i]
	return &table{rowsOf(c), o.Table, int(m.Tensors[o.Inputs[0]].Max()) + 1, o.Inputs[0], o.Output}
}

type table struct {
	rows
	codes   []uint8
	each    int // codes of the table of one channel, or of all
	in, out int
}

func (p *table) work() int           { return p.pixels * p.channels }
func (p *table) needs() kernel.Needs { return kernel.Needs{} }

func (p *table) run(i, batch int, tensors []kernel.Tensor, _ *kernel.Scratch) {
	t := p.tile(i, batch)
	x, y := tensors[p.in].Codes[t.Row*p.channels:][:t.Rows*p.channels], tensors[p.out].Codes[t.Row*p.channels:]
	if len(p.codes) > p.each {
		for j, q := range x {
			y[j] = p.codes[j%p.channels*p.each+int(q)]
		}
		return
	}
	for j, q := range x {
		y[j] = p.codes[q]
	}
}
