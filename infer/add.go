// SPDX-License-Identifier: Apache-2.0

package infer

import (
	"github.com/goqat/goqat/infer/internal/kernel"
	"github.com/goqat/goqat/qmodel"
)

func newAdd(m *qmodel.Model, i int, c kernel.Conv, set kernel.Set) step {
	return &add{rowsOf(c), len(m.Operators[i].Inputs), finisher(m, i, set)}
}

// add requantizes a sum of tensors, or compares it.
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
