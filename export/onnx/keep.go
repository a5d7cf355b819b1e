// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"github.com/goqat/goqat/internal/onnxproto"
	"github.com/goqat/goqat/qmodel"
)

// maxPool lowers a maximum pooling, on the codes themselves. The tensor it reads may have a code of padding: ONNX leaves
// padding out of the maximum, as goqat does.
func (b *builder) maxPool(o *qmodel.Operator) {
	b.node("MaxPool", []string{b.image(o.Inputs[0])}, window(o)...)
	b.output(o.Output, false)
}

// flatten lowers a flattening. ONNX has the order channel, height, width: where only linear layers read the result their
// weights follow it, else the codes are brought to the order of goqat before.
func (b *builder) flatten(o *qmodel.Operator) {
	in := o.Inputs[0]
	x, t := b.image(in), &b.model.Tensors[in]
	switch {
	case t.Height*t.Width == 1 || t.Channels == 1:
	case b.onlyLinear(o.Output):
		b.permuted[o.Output] = t
	default:
		x = b.node("Transpose", []string{x}, integers("perm", 0, 2, 3, 1))
	}
	b.node("Flatten", []string{x}, integer("axis", 1))
	b.output(o.Output, true)
}

// onlyLinear says whether a tensor is read by linear layers alone, as what they weigh.
func (b *builder) onlyLinear(i int) bool {
	for _, o := range b.model.Operators {
		for k, in := range o.Inputs {
			if in == i && (k > 0 || !o.Vector()) {
				return false
			}
		}
	}
	return true
}

// table lowers a table of codes.
func (b *builder) table(o *qmodel.Operator) {
	flat := b.values[o.Inputs[0]].flat
	b.gather(o.Table, b.in(o.Inputs[0], flat))
	b.output(o.Output, flat)
}

// gather looks codes up in a table.
func (b *builder) gather(table []uint8, codes string) string {
	index := b.cast(codes, onnxproto.TypeInt32)
	return b.node("Gather", []string{b.initializer("table", onnxproto.TypeUint8, []int64{int64(len(table))}, table), index}, integer("axis", 0))
}

// concatenate lowers a concatenation of codes.
func (b *builder) concatenate(o *qmodel.Operator) {
	flat := b.values[o.Inputs[0]].flat
	var inputs []string
	for i, in := range o.Inputs {
		x := b.in(in, flat)
		if o.Tables[i] != nil {
			x = b.gather(o.Tables[i], x)
		}
		inputs = append(inputs, x)
	}
	b.node("Concat", inputs, integer("axis", 1))
	b.output(o.Output, flat)
}
