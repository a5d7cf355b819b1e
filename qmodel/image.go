// SPDX-License-Identifier: Apache-2.0

package qmodel

import (
	"fmt"
	"slices"
)

// SpreadZeroPoints sets the zero points of the channels of all tensors from those of the input: a reader or a maker of
// models calls it once the tensors and operators are there.
func (m *Model) SpreadZeroPoints() {
	for i, zeros := range m.zeroPoints() {
		m.Tensors[i].ZeroPoints = zeros
	}
}

// zeroPoints returns what the zero points of the channels of each tensor must be. The operators are in a valid order.
func (m *Model) zeroPoints() [][]int32 {
	all := make([][]int32, len(m.Tensors))
	zeros := m.Input.ZeroPoints
	if !slices.ContainsFunc(zeros, func(z int32) bool { return z != zeros[0] }) {
		return all
	}
	all[0] = zeros
	for i := range m.Operators {
		if o := &m.Operators[i]; forms[o.Op].keeps && !forms[o.Op].selects {
			all[o.Output] = all[o.Inputs[0]]
		}
	}
	return all
}

// validateZeroPoints proves that the zero points of channels are those of the input, wherever its codes are.
func (m *Model) validateZeroPoints() error {
	for i, zeros := range m.zeroPoints() {
		if !slices.Equal(m.Tensors[i].ZeroPoints, zeros) {
			return fmt.Errorf("tensor %d (%q): the zero points %v of its channels, want those of the image, %v", i, m.Tensors[i].Name, m.Tensors[i].ZeroPoints, zeros)
		}
	}
	return nil
}
