// SPDX-License-Identifier: Apache-2.0

package qmodel

import "math/bits"

// MACs returns the multiply-accumulates of operator i for one image, padding included; 0 for operators without weights.
// Those of several accumulators for one output count once.
func (m *Model) MACs(i int) int64 {
	o := &m.Operators[i]
	if !o.Weighted() {
		return 0
	}
	return m.macs(o)
}

func (m *Model) macs(o *Operator) int64 {
	return int64(m.Tensors[o.Output].Len()) * int64(o.Kernel[0]) * int64(o.Kernel[1]) * int64(o.Weights.Shape[3])
}

// AccumulatorBits returns the bits, with the sign, of the narrowest integer that holds every accumulator of operator i
// of a valid model, its bias in the accumulator included; 0 for operators without accumulators.
func (m *Model) AccumulatorBits(i int) int {
	o := &m.Operators[i]
	var bound int64
	if !o.sums() {
		return 0
	}
	for _, bounds := range m.ownBounds(o) {
		for c, b := range bounds {
			if o.Weighted() && o.Requantizer != nil {
				b += max(int64(o.Requantizer.AccBias[c]), -int64(o.Requantizer.AccBias[c]))
			}
			bound = max(bound, b)
		}
	}
	return bits.Len64(uint64(bound)) + 1
}

// PayloadBytes returns the bytes that the numbers of operator i take in the file.
func (m *Model) PayloadBytes(i int) int {
	n := 0
	for _, t := range m.numbers(&m.Operators[i]) {
		n += len(t.Data)
	}
	return n
}
