// SPDX-License-Identifier: Apache-2.0

package infer

import (
	"github.com/goqat/goqat/fixed"
	"github.com/goqat/goqat/infer/internal/kernel"
	"github.com/goqat/goqat/qmodel"
)

func newOnline(m *qmodel.Model, i int, c kernel.Conv, set kernel.Set) step {
	o := &m.Operators[i]
	return &online{m.Tensors[o.Output].Online(), m.Tensors[o.Output].Len(), o.Inputs[0], o.Output, set.Online}
}

// online makes codes of the values of each image, a tile.
type online struct {
	rule    fixed.Online
	len     int
	in, out int
	codes   func(o fixed.Online, codes []uint8, values []int32) fixed.Step
}

func (p *online) tiles(batch int) int { return batch }
func (p *online) work() int           { return 8 * p.len }
func (p *online) needs() kernel.Needs { return kernel.Needs{} }

func (p *online) run(image, _ int, tensors []kernel.Tensor, _ *kernel.Scratch) {
	x, y := tensors[p.in].Wide[image*p.len:][:p.len], &tensors[p.out]
	y.Steps[image] = p.codes(p.rule, y.Codes[image*p.len:][:p.len], x)
}
