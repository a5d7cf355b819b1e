// SPDX-License-Identifier: Apache-2.0

package infer

import (
	"slices"

	"github.com/goqat/goqat/infer/internal/kernel"
	"github.com/goqat/goqat/qmodel"
)

// isPooled says whether a max pooling reads a tensor.
func isPooled(m *qmodel.Model, tensor int) bool {
	return slices.ContainsFunc(m.Operators, func(o qmodel.Operator) bool { return o.Op == qmodel.MaxPool && o.Inputs[0] == tensor })
}

// rising returns weights with the other sign in channels whose multiplier is negative, and has the epilogue expect sums of these:
// codes then do not fall as sums grow, which kernels with a max pooling need. The epilogue and a channel stay as they are where
// sums or weights would leave their type.
func rising(e *kernel.Epilogue, weights []int8) []int8 {
	r := e.R
	if r == nil || e.Own() != 1 || e.ByImage() || e.Terms[0].Width() == 32 || slices.Min(r.M[0]) >= 0 {
		return weights
	}
	e.Terms[0].Bits = e.Terms[0].Width() + 1 // -2^(n-1) has the sign of more
	turned, taps := *r, len(weights)/e.Channels
	turned.M, turned.AccBias, weights = slices.Clone(r.M), slices.Clone(r.AccBias), slices.Clone(weights)
	turned.M[0] = slices.Clone(r.M[0])
	for c, m := range r.M[0] {
		line := weights[c*taps:][:taps]
		if m >= 0 || slices.Contains(line, -128) {
			continue
		}
		turned.M[0][c], turned.AccBias[c] = -m, -r.AccBias[c]
		for i := range line {
			line[i] = -line[i]
		}
	}
	e.R = &turned
	return weights
}
