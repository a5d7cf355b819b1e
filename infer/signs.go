// SPDX-License-Identifier: Apache-2.0

package infer

import (
	"slices"

	"github.com/goqat/goqat/infer/internal/kernel"
	"github.com/goqat/goqat/qmodel"
)

// joinSigns joins operator i, if it makes signs of codes, with its readers, if all are convolutions that can read the codes.
func joinSigns(m *qmodel.Model, i int, steps []step, a accesses) {
	o := &m.Operators[i]
	signs, codes := o.Output, o.Inputs[0]
	if o.Op != qmodel.Sign || len(o.Inputs) > 1 || m.Tensors[codes].Kind != qmodel.Codes {
		return
	}
	e, joined := epilogue(m, i), map[int]step{}
	for k := range m.Operators {
		if reader := &m.Operators[k]; slices.Contains(reader.Inputs, signs) {
			w, ok := steps[k].(*weighted)
			if !ok || slices.Contains(reader.Terms(), signs) {
				return
			}
			if joined[k] = w.fromCodes(e, codes); joined[k] == nil {
				return
			}
		}
	}
	for k, s := range joined {
		steps[k] = s
		a.reads[k] = append([]int{codes}, m.Operators[k].Inputs[1:]...)
	}
	steps[i], a.writes[i] = nothing{}, -1
}

// fromCodes returns the operator as one that reads the codes of which its input is the signs, by an epilogue, nil where there is
// no such loop.
func (w *weighted) fromCodes(e kernel.Epilogue, codes int) step {
	r, ok := w.fused.(kernel.SignReader)
	if !ok {
		return nil
	}
	reads := *w
	reads.in = codes
	if reads.fused = r.FromCodes(e); reads.fused == nil {
		return nil
	}
	return &reads
}
