// SPDX-License-Identifier: Apache-2.0

package tflite

import (
	"slices"

	"github.com/goqat/goqat/export/agreement"
	"github.com/goqat/goqat/qmodel"
)

// kept makes the output of an operator that keeps codes one with the offset of its input.
func (w *writer) kept(o *qmodel.Operator, shape []int32) int32 {
	w.values[o.Output] = value{offset: w.values[o.Inputs[0]].offset, flat: len(shape) == 2}
	y := w.codes(o.Output, shape)
	w.values[o.Output].tensor = y
	return y
}

// choose lowers a choice of channels.
func (w *writer) choose(o *qmodel.Operator) agreement.Statement {
	x := w.values[o.Inputs[0]].tensor
	shape := slices.Clone(w.file.tensors[x].shape)
	axis, channels := int32(len(shape)-1), w.model.Tensors[o.Output].Channels
	shape[axis] = int32(channels)
	y := w.kept(o, shape)
	if o.Shuffle == 1 {
		first := make([]int32, len(shape))
		first[axis] = int32(o.First)
		w.node(node{code: opSlice, version: 2, in: []int32{x, w.sizes("first", first), w.sizes("size", shape)}, out: []int32{y}, table: 48})
		return agreement.Statement{Agreement: agreement.Exact}
	}
	list := make([]int32, channels)
	for c := range list {
		list[c] = int32(o.Selects(c, channels))
	}
	w.node(node{code: opGather, version: 1, in: []int32{x, w.sizes("channels", list)}, out: []int32{y}, table: 23, options: []field{{0, axis, false}}})
	return agreement.Statement{Agreement: agreement.Exact}
}

// enlarge lowers an upsampling. From the middle of each pixel no rounding of the scale finds another neighbour.
func (w *writer) enlarge(o *qmodel.Operator) agreement.Statement {
	out := &w.model.Tensors[o.Output]
	x := w.input(o.Inputs[0], false)
	y := w.kept(o, shapeOf(out))
	w.node(node{code: opResizeNearest, version: 3, in: []int32{x, w.sizes("size", []int32{int32(out.Height), int32(out.Width)})}, out: []int32{y},
		table: 74, options: []field{{1, 1, true}}})
	return agreement.Statement{Agreement: agreement.Exact}
}

// concatenate lowers a concatenation. All inputs have the offset of the output, which is that of its greatest code.
func (w *writer) concatenate(o *qmodel.Operator) agreement.Statement {
	out := &w.model.Tensors[o.Output]
	flat := w.values[o.Inputs[0]].flat
	w.values[o.Output] = value{offset: 127 - out.Max(), flat: flat}
	statement := agreement.Statement{Agreement: agreement.Exact}
	var inputs []int32
	for k, i := range o.Inputs {
		shape := shapeOf(&w.model.Tensors[i])
		if flat {
			shape = []int32{1, shape[3]}
		}
		x := w.input(i, flat)
		switch {
		case o.Tables[k] != nil:
			x, statement.Note = w.looked(o, i, x, o.Tables[k], shape), castOfCodes
		case w.values[i].offset != w.values[o.Output].offset:
			y := w.codes(o.Output, shape)
			w.node(node{code: opQuantize, version: 2, in: []int32{x}, out: []int32{y}, table: 89})
			x = y
		}
		inputs = append(inputs, x)
	}
	shape := shapeOf(out)
	if flat {
		shape = []int32{1, shape[3]}
	}
	y := w.codes(o.Output, shape)
	w.values[o.Output].tensor = y
	w.node(node{code: opConcatenation, version: 2, in: inputs, out: []int32{y}, table: 10, options: []field{{0, int32(len(shape) - 1), false}}})
	return statement
}

// castOfCodes is said of what looked writes; findings/openvino-tflite-cast.sh shows it.
const castOfCodes = "not in OpenVINO, which takes the codes under CAST for real numbers; it reads the ONNX form right"

// looked looks tensor x of the file, codes of tensor in, up in a table, or in one for each channel, of codes of the operator's
// output: int8 is no index, so it becomes int32, from 0 on, and that of a channel goes on where the one before ends.
func (w *writer) looked(o *qmodel.Operator, in int, x int32, table []uint8, shape []int32) int32 {
	t, v := &w.model.Tensors[in], &w.values[o.Output]
	each := int(t.Max()) + 1
	tables := len(table) / each
	codes, first := make([]byte, tables*256), make([]int32, tables)
	for c := range first {
		first[c] = int32(256*c) + 128
		for i := range 256 { // int8 i - 128
			code := min(max(int32(i)-128-w.values[in].offset, 0), t.Max())
			codes[256*c+i] = byte(int32(table[c*each+int(code)]) + v.offset)
		}
	}
	integers := func() int32 { return w.constant(tensor{name: "index", shape: shape, kind: typeInt32}) }
	wide, index := integers(), integers()
	w.node(node{code: opCast, version: 1, in: []int32{x}, out: []int32{wide}, table: 37, options: []field{{0, typeInt8, true}, {1, typeInt32, true}}})
	w.node(node{code: opAdd, version: 1, in: []int32{wide, w.sizes("first", first)}, out: []int32{index}, table: 11})
	list := w.constant(tensor{name: o.Name + "_table", shape: []int32{int32(len(codes))}, kind: typeInt8, data: codes,
		scale: []float32{w.scale(o.Output)}, zero: []int64{int64(w.model.Tensors[o.Output].ZeroPoint + v.offset)}})
	y := w.codes(o.Output, shape)
	w.node(node{code: opGather, version: 1, in: []int32{list, index}, out: []int32{y}, table: 23})
	return y
}

// sizes adds a row of int32.
func (w *writer) sizes(name string, values []int32) int32 {
	return w.constant(tensor{name: name, shape: []int32{int32(len(values))}, kind: typeInt32, data: bytesOf(values)})
}
