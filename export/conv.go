// SPDX-License-Identifier: Apache-2.0

package export

import (
	"fmt"

	"github.com/goqat/goqat/qmodel"
	"github.com/goqat/goqat/quant"
)

// fold quantizes the weights and folds the batch normalization into their
// scale: fl32(s·γ/σ), with its sign, and the bias β − γ·mean/σ.
func (p *Plan) fold(u *Unit) error {
	if u.Quantizer == nil {
		return fmt.Errorf("it stays in floating point")
	}
	integers := make([]int16, len(u.Weight.Value))
	scale := u.Quantizer.Integers(integers, u.Weight.Value)
	var err error
	if u.Weights, err = encode(u.Unit, integers); err != nil {
		return err
	}
	u.Scale, u.Bias = make([][]float32, u.Weights.Sets()), make([]float64, u.Channels)
	each := len(scale) / len(u.Scale) // one for each channel, or one for all
	for k := range u.Scale {
		u.Scale[k] = make([]float32, u.Channels)
	}
	for c := range u.Channels {
		gain := 1.0
		if b := u.Unit.Bias; b != nil {
			u.Bias[c] = float64(b.Value[c])
		}
		if n := u.Norm; n != nil {
			gain = n.Gain(c)
			u.Bias[c] = float64(n.Beta.Value[c]) - float64(gain*float64(n.Mean[c]))
		}
		for k := range u.Scale {
			u.Scale[k][c] = float32(float64(scale[k*each+c%each]) * gain)
		}
	}
	return nil
}

// steps returns the real value of one step of the tensor: of its codes, or of each of
// its signs.
func (t *Tensor) steps() []float32 {
	if t.Signs != nil {
		return t.Signs
	}
	return []float32{t.Scale}
}

// accumulatorScales returns the real value of one step of each of the unit's
// accumulators, by channel.
func (u *Unit) accumulatorScales() [][]float32 {
	var scales [][]float32
	for _, weights := range u.Scale {
		for _, x := range u.Inputs[0].steps() {
			scale := make([]float32, u.Channels)
			for c := range scale {
				scale[c] = x * weights[c]
			}
			scales = append(scales, scale)
		}
	}
	return scales
}

// sums are the terms of a weighted unit: for each set of its weights, one for each
// sign of its input.
func (p *Plan) sums(u *Unit, outScale float32) []quant.Term {
	x := p.tensor(u.Inputs[0])
	bounds := u.Weights.TermBounds(&x)
	var terms []quant.Term
	for _, weights := range u.Scale {
		for _, scale := range u.Inputs[0].steps() {
			t := quant.Term{M: make([]float32, u.Channels), MaxAbs: bounds[len(terms)], Divisor: u.Inputs[0].divisor()}
			for c := range t.M {
				t.M[c] = quant.Multiplier(scale, weights[c], outScale)
			}
			terms = append(terms, t)
		}
	}
	return terms
}

// convolution describes a convolution.
func convolution(u *Unit, o *qmodel.Operator) {
	weighted(u, o)
	if in := u.Inputs[0].Channels; o.Groups > 1 && o.Groups == in && u.Channels == in {
		o.Op = qmodel.Depthwise
	}
}

// weighted describes a unit with weights.
func weighted(u *Unit, o *qmodel.Operator) {
	windowed(u, o)
	o.Method, o.Groups, o.Weights = u.Assigned.Weights.Info().Name, u.Window.Groups, u.Weights
}

// windowed describes a unit with a window.
func windowed(u *Unit, o *qmodel.Operator) {
	o.Kernel, o.Stride, o.Pad, o.CountPad = u.Window.Kernel, u.Window.Stride, u.Window.Pad, u.CountPad && u.Window.Padded()
	if d := u.Window.Dilated(); d != [2]int{1, 1} {
		o.Dilation = d
	}
}
