// SPDX-License-Identifier: Apache-2.0

package qmodeltest

import (
	"math/rand/v2"
	"slices"

	"github.com/goqat/goqat/fixed"
	"github.com/goqat/goqat/qmodel"
)

// A Form is what the weights and the output of a convolution are: coded weights, in planes, and CodeBits codes or,
// with Signs, CodeBits signs.
type Form struct {
	WeightBits int
	Coding     qmodel.Coding
	Planes     int
	Packing    qmodel.Packing
	CodeBits   int
	Signs      bool
}

// weights draws weights of a form, sometimes extreme codes only.
func (b *Builder) weights(f Form, shape [4]int) *qmodel.Weights {
	w := &qmodel.Weights{Bits: f.WeightBits, Coding: f.Coding, Planes: f.Planes, Packing: f.Packing, Shape: shape}
	codes := make([]int8, w.Len())
	limit := 1<<(f.WeightBits-1) - 1
	least, most := -limit, limit
	switch f.Coding {
	case qmodel.Odd:
		least--
	case qmodel.Powers:
		least, most = -1<<(f.WeightBits-2), 1<<(f.WeightBits-2)
	}
	extreme := b.rng.IntN(4) == 0
	for i := range codes {
		switch {
		case f.WeightBits == 1:
			codes[i] = int8(2*b.rng.IntN(2) - 1)
		case extreme:
			codes[i] = int8([]int{least, most}[b.rng.IntN(2)])
		default:
			codes[i] = int8(least + b.rng.IntN(most-least+1))
		}
	}
	if err := w.Pack(codes); err != nil {
		panic(err)
	}
	return w
}

// compare gives the operator thresholds within reach of its terms, some beyond, and makes its output signs.
func (b *Builder) compare(o *qmodel.Operator, bounds [][]int64) {
	out := &b.Model.Tensors[o.Output]
	out.Signs, out.ZeroPoint = true, 0
	o.Thresholds = &fixed.Thresholds{M: make([][]int64, len(bounds)), T: make([][]int64, out.Bits)}
	for i := range bounds {
		o.Thresholds.M[i] = make([]int64, out.Channels)
	}
	for n := range o.Thresholds.T {
		o.Thresholds.T[n] = make([]int64, out.Channels)
	}
	for c := range out.Channels {
		var most int64
		for i := range bounds {
			m := int64(b.rng.IntN(3) - 1)
			if len(bounds) > 1 {
				m = b.rng.Int64N(1<<20) - 1<<19
			}
			o.Thresholds.M[i][c] = m
			most += bounds[i][c] * max(m, -m)
		}
		levels := make([]int64, out.Bits)
		for n := range levels {
			levels[n] = b.rng.Int64N(most/2+2) - most/4 + b.rng.Int64N(3) - 1
		}
		slices.Sort(levels)
		for n, level := range levels {
			o.Thresholds.T[n][c] = level
		}
	}
}

// Sign adds the signs of codes, so many for each.
func (b *Builder) Sign(in, signs int) int {
	x := b.Model.Tensors[in]
	o := qmodel.Operator{Op: qmodel.Sign, Inputs: []int{in}, Output: b.output(x.Height, x.Width, x.Channels, signs)}
	b.compare(&o, [][]int64{b.bound(in)})
	return b.operator(o)
}

// Dense returns a small model of densely packed weights: of every number of bits and every coding that can be.
func Dense(rng *rand.Rand) *qmodel.Model {
	b := New(rng, 5, 4, 3)
	x := 0
	for _, f := range []Form{
		{WeightBits: 2}, {WeightBits: 2, Coding: qmodel.Split}, {WeightBits: 2, Coding: qmodel.Powers},
		{WeightBits: 3}, {WeightBits: 3, Coding: qmodel.Odd}, {WeightBits: 5, Coding: qmodel.Powers},
		{WeightBits: 6, Coding: qmodel.Split}, {WeightBits: 7}, {WeightBits: 7, Coding: qmodel.Odd},
	} {
		f.CodeBits, f.Packing = 2+rng.IntN(7), qmodel.Dense
		pad := rng.IntN(2)
		x = b.ConvForm(x, Square(2*pad+1, 1, pad), 1+rng.IntN(7), 1, f)
	}
	return b.Finish(b.Flatten(x), 3)
}

// Compact returns the model, whose file is now a compact one.
func Compact(m *qmodel.Model) *qmodel.Model {
	m.Version = qmodel.Compact
	return m
}

// Binary returns a small model of binary layers: signs made by every operator that makes them, weights of every coding,
// several planes and several signs.
func Binary(rng *rand.Rand) *qmodel.Model {
	b := New(rng, 6, 5, 2)
	one, three := Square(1, 1, 0), Square(3, 1, 1)
	x := b.ConvForm(0, three, 6, 1, Form{WeightBits: 5, Coding: qmodel.Powers, CodeBits: 1, Signs: true})
	x = b.MaxPool(x, Square(2, 1, 0))
	raw := b.ConvForm(x, one, 4, 1, Form{WeightBits: 1})
	x = b.ConvForm(x, three, 4, 1, Form{WeightBits: 1, Planes: 2, CodeBits: 3, Signs: true}, raw)
	y := b.ConvForm(x, three, 4, 1, Form{WeightBits: 1, Planes: 2, CodeBits: 8})
	x = b.ConvForm(b.Sign(y, 1), three, 4, 1, Form{WeightBits: 2, Coding: qmodel.Split, CodeBits: 5}, y)
	x = b.ConvForm(x, three, 4, 4, Form{WeightBits: 2, Coding: qmodel.Split, CodeBits: 2, Signs: true})
	x = b.ConvForm(b.Flatten(x), one, 8, 1, Form{WeightBits: 3, Coding: qmodel.Odd, CodeBits: 1, Signs: true})
	return b.Finish(x, 3)
}
