// SPDX-License-Identifier: Apache-2.0

package qmodel

import "fmt"

// validateMultiply checks a product, whose tensors are valid.
func (m *Model) validateMultiply(o *Operator) error {
	x, y, out := &m.Tensors[o.Inputs[0]], &m.Tensors[o.Inputs[1]], &m.Tensors[o.Output]
	switch {
	case y.Kind != Codes || x.Signs || y.Signs:
		return fmt.Errorf("an input is not a tensor of codes, or has signs")
	case out.Height != x.Height || out.Width != x.Width || out.Channels != x.Channels:
		return fmt.Errorf("the output is %d×%d×%d, the first input %d×%d×%d", out.Height, out.Width, out.Channels, x.Height, x.Width, x.Channels)
	case y.Channels != x.Channels || (y.Height != x.Height || y.Width != x.Width) && (y.Height != 1 || y.Width != 1):
		return fmt.Errorf("the second input is %d×%d×%d, the first %d×%d×%d", y.Height, y.Width, y.Channels, x.Height, x.Width, x.Channels)
	}
	return nil
}
