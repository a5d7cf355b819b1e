// SPDX-License-Identifier: Apache-2.0

package export

import "github.com/goqat/goqat/quant"

// product is the term of a product: (q − zero point) of one tensor times (q − zero
// point) of the other.
func (p *Plan) product(u *Unit, outScale float32) []quant.Term {
	a, b := u.Inputs[0], u.Inputs[1]
	return []quant.Term{{M: []float32{quant.Multiplier(a.Scale, b.Scale, outScale)}, MaxAbs: []int64{a.mostAbs() * b.mostAbs()}}}
}
