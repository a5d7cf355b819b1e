// SPDX-License-Identifier: Apache-2.0

package export

import (
	"math"

	"github.com/goqat/goqat/fixed"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/network"
	"github.com/goqat/goqat/qat"
	"github.com/goqat/goqat/qmodel"
)

// byImage says whether a quantizer takes the range of each image from its values.
func byImage(q qat.Activation) bool {
	i, ok := q.(graph.ImageQuantizer)
	return ok && i.ByImage()
}

// Ranged says whether the unit makes codes of each image's values. Its requantizer then
// leads to these values.
func (u *Unit) Ranged() bool { return u.Output.Steps == u.Output }

// online is the rule of a tensor whose codes are made of each image's values.
func (t *Tensor) online() fixed.Online { return fixed.Online{Zero: t.ZeroPoint, Max: t.Hi} }

// divisor is that of the terms of a tensor, 0 for one step for all images (quant.Term).
func (t *Tensor) divisor() int32 {
	if t.Steps == nil {
		return 0
	}
	return t.Steps.online().Divisor()
}

// typical returns the real value of a step of codes, or sums of codes, of the given scale:
// in a typical image, where images differ.
func (t *Tensor) typical(scale float32) float32 {
	if t.Steps == nil {
		return scale
	}
	return scale * fixed.TypicalValue / float32(t.divisor())
}

// values returns the range of the values that the unit's activation leaves.
func (p *Plan) values(u *Unit) (lo, hi int32) {
	lo, hi = -fixed.MostValue, fixed.MostValue
	if p.Network.Assignment.Replaced[u.Output.Name] {
		return lo, hi
	}
	if u.Activation != network.Identity {
		lo = 0
	}
	if u.Activation == network.ReLU6 {
		hi = int32(max(1, min(math.RoundToEven(6/float64(u.Output.Scale)), float64(hi))))
	}
	return lo, hi
}

// lowerValues adds the values that a ranged unit makes codes of: o becomes the operator
// that makes them, and the one that it returns makes t, the codes, of them.
func lowerValues(m *qmodel.Model, u *Unit, o *qmodel.Operator, t *qmodel.Tensor) qmodel.Operator {
	r, v := u.Requantizer, *t
	v.Name, v.Kind, v.Bits, v.ZeroPoint, v.Range = graph.ValuesName(t.Name), qmodel.Values, 32, 0, [2]int32{r.Lo, r.Hi}
	o.Name = graph.ValuesName(o.Name)
	m.Tensors = append(m.Tensors, v)
	return qmodel.Operator{Name: u.Name, Op: qmodel.Online, Inputs: []int{o.Output}, Output: o.Output + 1}
}
