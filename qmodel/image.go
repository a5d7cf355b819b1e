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

const (
	sinceSamples  = 5       // version of the format
	maxSampleZero = 1 << 23 // so that a float32 is divided by the scale exactly enough
)

// validate checks what is said of samples, if anything is.
func (s *Samples) validate(channels, version int) error {
	switch {
	case s == nil:
		return nil
	case version < sinceSamples:
		return fmt.Errorf("in version %d, which has none", version)
	case len(s.ZeroPoints) != channels || len(s.ScaleBits) != channels:
		return fmt.Errorf("%d zero points and %d scales, want one for each of %d channels", len(s.ZeroPoints), len(s.ScaleBits), channels)
	}
	for c, zero := range s.ZeroPoints {
		if zero < -maxSampleZero || zero > maxSampleZero || !positive(s.ScaleBits[c]) {
			return fmt.Errorf("channel %d: zero point %d, scale bits %#x, want one within ±%d and a scale that is positive and finite", c, zero, s.ScaleBits[c], maxSampleZero)
		}
	}
	return nil
}
