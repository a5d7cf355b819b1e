// SPDX-License-Identifier: Apache-2.0

package export

import (
	"github.com/goqat/goqat/qmodel"
	"github.com/goqat/goqat/quant"
)

// tabulate finds the code for each code of the unit's input.
func tabulate(_ *Plan, u *Unit) error {
	u.Table = table(u.Inputs[0], u.Output)
	return nil
}

// table returns, for each code of x, the code of y that stands for the same real number.
func table(x, y *Tensor) []uint8 {
	f := quant.Activation(y.Bits)
	codes := make([]uint8, quant.Activation(x.Bits).Max()+1)
	for code := range codes {
		codes[code] = uint8(f.Quantize(x.Real(int32(code)), y.Scale, y.ZeroPoint))
	}
	return codes
}

// lookup describes a table.
func lookup(u *Unit, o *qmodel.Operator) { o.Table = u.Table }
