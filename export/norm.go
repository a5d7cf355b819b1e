// SPDX-License-Identifier: Apache-2.0

package export

import "github.com/goqat/goqat/quant"

// normalize finds the scale and the bias of a batch normalization alone.
func normalize(_ *Plan, u *Unit) error {
	u.Scale, u.Bias = [][]float32{make([]float32, u.Output.Channels)}, make([]float64, u.Output.Channels)
	for c := range u.Output.Channels {
		gain := u.Norm.Gain(c)
		u.Scale[0][c] = float32(gain)
		u.Bias[c] = float64(u.Norm.Beta.Value[c]) - float64(gain*float64(u.Norm.Mean[c]))
	}
	return nil
}

// normalized is the term of a batch normalization alone: q − zero point, by channel.
func (p *Plan) normalized(u *Unit, outScale float32) []quant.Term {
	x := u.Inputs[0]
	t := quant.Term{M: make([]float32, u.Output.Channels), MaxAbs: []int64{x.mostAbs()}, Divisor: x.divisor()}
	for c := range t.M {
		t.M[c] = quant.Multiplier(x.Scale, u.Scale[0][c], outScale)
	}
	return []quant.Term{t}
}
