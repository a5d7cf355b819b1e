// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"encoding/binary"

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

// table lowers a table of codes: that of a channel, if each has one, is found by a number that is added to its codes.
func (b *builder) table(o *qmodel.Operator) {
	flat := b.values[o.Inputs[0]].flat
	in := &b.model.Tensors[o.Inputs[0]]
	index, each := b.cast(b.in(o.Inputs[0], flat), onnxproto.TypeInt32), int(in.Max())+1
	if len(o.Table) > each {
		var first []byte
		for c := range in.Channels {
			first = binary.LittleEndian.AppendUint32(first, uint32(c*each))
		}
		index = b.node("Add", []string{index, b.initializer("first", onnxproto.TypeInt32, broadcast(in.Channels, flat), first)})
	}
	b.lookup(o.Table, index)
	b.output(o.Output, flat)
}

// lookup takes codes from a table, by an index of INT32.
func (b *builder) lookup(table []uint8, index string) string {
	return b.node("Gather", []string{b.initializer("table", onnxproto.TypeUint8, []int64{int64(len(table))}, table), index}, integer("axis", 0))
}

// concatenate lowers a concatenation of codes.
func (b *builder) concatenate(o *qmodel.Operator) {
	flat := b.values[o.Inputs[0]].flat
	var inputs []string
	for i, in := range o.Inputs {
		x := b.in(in, flat)
		if o.Tables[i] != nil {
			x = b.lookup(o.Tables[i], b.cast(x, onnxproto.TypeInt32))
		}
		inputs = append(inputs, x)
	}
	b.node("Concat", inputs, integer("axis", 1))
	b.output(o.Output, flat)
}

// choose lowers a choice of channels.
func (b *builder) choose(o *qmodel.Operator) {
	flat := b.values[o.Inputs[0]].flat
	x, channels := b.in(o.Inputs[0], flat), b.model.Tensors[o.Output].Channels
	if o.Shuffle == 1 {
		b.node("Slice", []string{x, b.int64s("starts", int64(o.First)), b.int64s("ends", int64(o.First+channels)), b.int64s("axes", 1)})
	} else {
		list := make([]int64, channels)
		for c := range list {
			list[c] = int64(o.Selects(c, channels))
		}
		b.node("Gather", []string{x, b.int64s("channels", list...)}, integer("axis", 1))
	}
	b.output(o.Output, flat)
}

// enlarge lowers an upsampling.
func (b *builder) enlarge(o *qmodel.Operator) {
	scales := b.float32s("scales", []int64{4}, 1, 1, float32(o.Factor[0]), float32(o.Factor[1]))
	b.node("Resize", []string{b.image(o.Inputs[0]), "", scales}, text("mode", "nearest"), text("nearest_mode", "floor"),
		text("coordinate_transformation_mode", "asymmetric"))
	b.output(o.Output, false)
}

// rearranges lowers what moves codes or looks them up, and says whether the operator does.
func (b *builder) rearranges(o *qmodel.Operator) bool {
	switch {
	case o.Aliases():
		b.flatten(o)
	case o.Tables != nil:
		b.concatenate(o)
	case o.Shuffle > 0:
		b.choose(o)
	case o.Factor[0] > 0:
		b.enlarge(o)
	default:
		return false
	}
	return true
}
