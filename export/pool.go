// SPDX-License-Identifier: Apache-2.0

package export

import (
	"fmt"

	"github.com/goqat/goqat/quant"
)

// averageable refuses an average that has no integer form.
func averageable(_ *Plan, u *Unit) error {
	if u.Window.Padded() {
		return fmt.Errorf("it is a padded average, for which there is no integer operator")
	}
	return nil
}

// average is the term of an average pooling: the sum of q − zero point.
func (p *Plan) average(u *Unit, outScale float32) []quant.Term {
	x, n := u.Inputs[0], u.Window.Taps()
	return []quant.Term{{M: []float32{quant.AverageMultiplier(x.Scale, outScale, n)}, MaxAbs: []int64{int64(n) * x.mostAbs()}}}
}
