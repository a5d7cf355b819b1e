// SPDX-License-Identifier: Apache-2.0

package export

import (
	"fmt"

	"github.com/goqat/goqat/geometry"
	"github.com/goqat/goqat/quant"
)

// averageable refuses an average that has no integer form.
func averageable(_ *Plan, u *Unit) error {
	if x := u.Inputs[0]; u.Window.Whole(x.Height, x.Width, u.CountPad) > geometry.MaxWhole && u.Window.Padded() && !u.CountPad {
		return fmt.Errorf("it is an average without its padding, of windows whose numbers of taps have no common multiple up to %d: have the padding count (count_pad: true)", geometry.MaxWhole)
	}
	return nil
}

// step returns the real value of one step of the sums of an average pooling.
func (u *Unit) step() float32 {
	x := u.Inputs[0]
	return quant.AverageMultiplier(x.Scale, 1, u.Window.Whole(x.Height, x.Width, u.CountPad))
}

// average is the term of an average pooling: the sum of q − zero point, brought to as
// many taps for all outputs.
func (p *Plan) average(u *Unit, outScale float32) []quant.Term {
	x := u.Inputs[0]
	n := u.Window.Whole(x.Height, x.Width, u.CountPad)
	return []quant.Term{{M: []float32{quant.AverageMultiplier(x.Scale, outScale, n)}, MaxAbs: []int64{int64(n) * x.mostAbs()}, Divisor: x.divisor()}}
}
