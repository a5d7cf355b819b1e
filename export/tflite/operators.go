// SPDX-License-Identifier: Apache-2.0

package tflite

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/goqat/goqat/export/agreement"
	"github.com/goqat/goqat/qmodel"
)

func refused(format string, args ...any) agreement.Statement {
	return agreement.Statement{Agreement: agreement.None, Note: fmt.Sprintf(format, args...)}
}

// roundedTwice is what the kernels for small processors do and those for large ones do not.
const roundedTwice = "bias in steps of the accumulator; TFLite Micro and the reference kernels round twice"

// operator lowers one operator.
func (w *writer) operator(o *qmodel.Operator) agreement.Statement {
	out := &w.model.Tensors[o.Output]
	if w.model.ByImage(o) {
		return refused("its range is taken from each image; TFLite's tensors of 8 bits have one range for all")
	}
	if o.Since() > 2 {
		return refused("dilation, padding in averages and concatenation are not written")
	}
	for _, i := range o.Inputs {
		if t := &w.model.Tensors[i]; t.Signs && t.Bits > 1 && o.Adds() {
			return refused("it reads codes of %d signs, which have no scale", t.Bits)
		}
		if o.Weighted() && w.model.Tensors[i].ZeroPoints != nil {
			return refused("it reads an image whose channels have zero points of their own, and a tensor has one; train with one number as data.mean, or export ONNX or C")
		}
	}
	if out.Signs && out.Bits > 1 {
		return refused("codes of %d signs have no scale", out.Bits)
	}
	switch {
	case out.Kind == qmodel.Accumulators:
		w.pending[o.Output] = o
		return agreement.Statement{Agreement: agreement.Exact, Note: "summed with what it is added to"}
	case out.Kind == qmodel.Logits:
		return w.logits(o)
	}
	lo, hi := out.Span()
	if out.Signs {
		lo, hi = 0, 1
	}
	switch {
	case o.Maximizes():
		return w.maximum(o)
	case o.Aliases():
		in := o.Inputs[0]
		w.values[o.Output] = value{offset: w.values[in].offset, flat: true}
		w.values[o.Output].tensor = w.reshape(o.Output, w.values[in].tensor, []int32{1, int32(out.Channels)})
		return agreement.Statement{Agreement: agreement.Exact}
	}
	w.values[o.Output] = value{offset: 127 - hi}
	switch {
	case o.Table != nil:
		return w.lookup(o, lo)
	case !o.Adds():
		return refused("no form for %s", o.Op)
	case len(o.Inputs) > 1:
		return w.sum(o, lo)
	default:
		return w.product(o, lo)
	}
}

// finish makes the output of an operator from what emit adds, with the activation that it is given to fuse, if it can.
// Where neither saturation nor RELU is the lower end of the range, MAXIMUM is.
func (w *writer) finish(o *qmodel.Operator, lo int32, shape []int32, fuses bool, emit func(y, activation int32)) {
	t, v := &w.model.Tensors[o.Output], &w.values[o.Output]
	v.flat = len(shape) == 2
	v.tensor = w.codes(o.Output, shape)
	switch {
	case lo+v.offset == -128:
		emit(v.tensor, activationNone)
	case fuses && lo == t.ZeroPoint:
		emit(v.tensor, activationRelu)
	default:
		y := v.tensor
		v.tensor = w.codes(o.Output, shape)
		emit(y, activationNone)
		least := w.constant(tensor{name: "least", shape: []int32{1}, kind: typeInt8, data: []byte{byte(lo + v.offset)},
			scale: []float32{w.scale(o.Output)}, zero: []int64{int64(t.ZeroPoint + v.offset)}})
		w.node(node{code: opMaximum, version: 2, in: []int32{y, least}, out: []int32{v.tensor}, table: 39})
	}
}

func (w *writer) maximum(o *qmodel.Operator) agreement.Statement {
	in := o.Inputs[0]
	w.values[o.Output] = value{offset: w.values[in].offset}
	x, padding := w.padded(o, w.input(in, false), true)
	y := w.codes(o.Output, shapeOf(&w.model.Tensors[o.Output]))
	w.values[o.Output].tensor = y
	w.node(node{code: opMaxPool, version: 2, in: []int32{x}, out: []int32{y}, table: 5, options: []field{
		{0, padding, true}, {1, int32(o.Stride[1]), false}, {2, int32(o.Stride[0]), false}, {3, int32(o.Kernel[1]), false}, {4, int32(o.Kernel[0]), false},
	}})
	return agreement.Statement{Agreement: agreement.Exact}
}

// padded returns the input of a window and the padding to ask for: none, SAME where its formula gives the same, or else
// an operator before it, which pads with the zero point, or with code 0 before a maximum.
func (w *writer) padded(o *qmodel.Operator, x int32, least bool) (int32, int32) {
	in := o.Inputs[0]
	t := &w.model.Tensors[in]
	if o.Pad == [4]int{} {
		return x, paddingValid
	}
	same := true
	for d, size := range []int{t.Height, t.Width} {
		all := max(0, ((size+o.Stride[d]-1)/o.Stride[d]-1)*o.Stride[d]+o.Kernel[d]-size)
		same = same && o.Pad[d] == all/2 && o.Pad[d+2] == all-all/2
	}
	if same {
		return x, paddingSame
	}
	pads := []int32{0, 0, int32(o.Pad[0]), int32(o.Pad[2]), int32(o.Pad[1]), int32(o.Pad[3]), 0, 0}
	y := w.codes(in, []int32{1, int32(t.Height + o.Pad[0] + o.Pad[2]), int32(t.Width + o.Pad[1] + o.Pad[3]), int32(t.Channels)})
	n := node{code: opPad, version: 2, in: []int32{x, w.constant(tensor{name: "padding", shape: []int32{4, 2}, kind: typeInt32, data: bytesOf(pads)})},
		out: []int32{y}, table: 22}
	if least && t.ZeroPoint > 0 {
		zero := w.constant(tensor{name: "least", shape: []int32{1}, kind: typeInt8, data: []byte{byte(w.values[in].offset)},
			scale: []float32{w.scale(in)}, zero: []int64{int64(t.ZeroPoint + w.values[in].offset)}})
		n.code, n.table, n.in = opPadV2, 43, append(n.in, zero)
	}
	w.node(n)
	return y, paddingValid
}

// lookup lowers a table that is a change of scale; QUANTIZE is that.
func (w *writer) lookup(o *qmodel.Operator, lo int32) agreement.Statement {
	in, out := o.Inputs[0], &w.model.Tensors[o.Output]
	if out.Signs {
		return refused("a table to signs; TFLite has none")
	}
	ratio := float64(w.scale(in)) / float64(w.scale(o.Output))
	_, hi := out.Span()
	for q, code := range o.Table {
		v := float64(int32(q)-w.model.Tensors[in].ZeroPoint)*ratio + float64(out.ZeroPoint)
		if want := min(max(math.Floor(v+0.5), float64(lo)), float64(hi)); want != float64(code) {
			return refused("its table gives %d for code %d, where a change of scale gives %g; TFLite has no tables", code, q, want)
		}
		if near := math.Abs(v - math.Floor(v) - 0.5); near < 1e-4 && v > float64(lo) && v < float64(hi) {
			return refused("its table rounds code %d at a tie, which runtimes do differently", q)
		}
	}
	shape := w.file.tensors[w.values[in].tensor].shape
	w.finish(o, lo, shape, false, func(y, _ int32) {
		w.node(node{code: opQuantize, version: 2, in: []int32{w.values[in].tensor}, out: []int32{y}, table: 89})
	})
	return agreement.Statement{Agreement: agreement.Step, Note: "TFLite Micro and the reference kernels round twice; XNNPACK is exact"}
}

func bytesOf(values []int32) []byte {
	var b []byte
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, uint32(v))
	}
	return b
}

func floatBytes(values []float32) []byte {
	var b []byte
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}
