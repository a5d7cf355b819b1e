// SPDX-License-Identifier: Apache-2.0

package qmodel

import "fmt"

// validateConcat checks a concatenation, whose tensors are valid; its tables are read.
func (m *Model) validateConcat(o *Operator) error {
	out, channels := &m.Tensors[o.Output], 0
	if len(o.Tables) != len(o.Inputs) {
		return fmt.Errorf("tables for %d of %d inputs", len(o.Tables), len(o.Inputs))
	}
	for i, index := range o.Inputs {
		in := &m.Tensors[index]
		channels += in.Channels
		switch {
		case in.Kind != Codes || in.Signs || out.Kind != Codes || out.Signs:
			return fmt.Errorf("input %d or the output is not a tensor of codes, or has signs", i)
		case in.Height != out.Height || in.Width != out.Width:
			return fmt.Errorf("input %d is %d×%d, the output %d×%d", i, in.Height, in.Width, out.Height, out.Width)
		case o.Tables[i] != nil:
			if err := checkTable(o.Tables[i], in, out); err != nil {
				return fmt.Errorf("input %d: %w", i, err)
			}
		case in.Bits != out.Bits || in.ZeroPoint != out.ZeroPoint || in.ScaleBits != out.ScaleBits:
			return fmt.Errorf("input %d has other bits, zero point or scale than the output, and no table", i)
		}
	}
	if channels != out.Channels {
		return fmt.Errorf("inputs of %d channels become %d", channels, out.Channels)
	}
	return nil
}
