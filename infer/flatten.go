// SPDX-License-Identifier: Apache-2.0

package infer

import (
	"github.com/goqat/goqat/infer/internal/kernel"
	"github.com/goqat/goqat/qmodel"
)

func newFlatten(*qmodel.Model, int, kernel.Conv, kernel.Set) step { return flatten{} }

// flatten does nothing: its output is its input's memory.
type flatten struct{}

func (flatten) tiles(int) int                                      { return 0 }
func (flatten) run(_, _ int, _ []kernel.Tensor, _ *kernel.Scratch) {}
func (flatten) needs() kernel.Needs                                { return kernel.Needs{} }
func (flatten) work() int                                          { return 0 }
