// SPDX-License-Identifier: Apache-2.0

package tflite

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

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
	if o.Averages() && o.Pad != [4]int{} && !o.CountPad {
		return refused("an average without its padding, whose windows have different numbers of taps; average with count_include_pad, or export ONNX or C")
	}
	for _, i := range o.Inputs {
		if t := &w.model.Tensors[i]; t.Signs && t.Bits > 1 && o.Adds() {
			return refused("it reads codes of %d signs, which have no scale", t.Bits)
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
	case o.Shuffle > 0:
		return w.choose(o)
	case o.Factor[0] > 0:
		return w.enlarge(o)
	case o.Tables != nil:
		return w.concatenate(o)
	}
	w.values[o.Output] = value{offset: 127 - hi}
	switch {
	case o.Table != nil:
		return w.lookup(o, lo)
	case o.Multiplies():
		return w.multiply(o, lo)
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
	switch {
	case o.Pad == [4]int{}:
		return x, paddingValid
	case t.ZeroPoints != nil && !least:
		return w.framed(o, x), paddingValid
	}
	same := true
	for d, size := range []int{t.Height, t.Width} {
		all := max(0, ((size+o.Stride[d]-1)/o.Stride[d]-1)*o.Stride[d]+(o.Kernel[d]-1)*max(1, o.Dilation[d])+1-size)
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

// framed puts rows and columns of the zero points of an image's channels around it: TFLite pads all channels with one number.
func (w *writer) framed(o *qmodel.Operator, x int32) int32 {
	in := o.Inputs[0]
	t := &w.model.Tensors[in]
	shape := shapeOf(t)
	for d := range 2 {
		border := func(wide int) (list []int32) {
			if wide == 0 {
				return nil
			}
			size := slices.Clone(shape)
			size[1+d] = int32(wide)
			var data []byte
			for range size[1] * size[2] {
				for c := range t.Channels {
					data = append(data, byte(t.Zero(c)+w.values[in].offset))
				}
			}
			return []int32{w.constant(tensor{name: "border", shape: size, kind: typeInt8, data: data, scale: []float32{w.scale(in)},
				zero: []int64{int64(t.ZeroPoint + w.values[in].offset)}})}
		}
		parts := slices.Concat(border(o.Pad[d]), []int32{x}, border(o.Pad[d+2]))
		if len(parts) == 1 {
			continue
		}
		shape = slices.Clone(shape)
		shape[1+d] += int32(o.Pad[d] + o.Pad[d+2])
		x = w.codes(in, shape)
		w.node(node{code: opConcatenation, version: 2, in: parts, out: []int32{x}, table: 10, options: []field{{0, int32(1 + d), false}}})
	}
	return x
}

// lookup lowers a table: to QUANTIZE where it is a change of scale, else to indices.
func (w *writer) lookup(o *qmodel.Operator, lo int32) agreement.Statement {
	in := o.Inputs[0]
	x := w.values[in].tensor
	shape := w.file.tensors[x].shape
	if w.rescales(o, lo) {
		w.finish(o, lo, shape, false, func(y, _ int32) {
			w.node(node{code: opQuantize, version: 2, in: []int32{x}, out: []int32{y}, table: 89})
		})
		return agreement.Statement{Agreement: agreement.Step, Note: "TFLite Micro and the reference kernels round twice; XNNPACK is exact"}
	}
	w.values[o.Output] = value{offset: 127 - w.model.Tensors[o.Output].Max(), flat: len(shape) == 2}
	w.values[o.Output].tensor = w.looked(o, in, x, o.Table, shape)
	return agreement.Statement{Agreement: agreement.Exact, Note: castOfCodes}
}

// rescales says whether a table is a change of scale without ties, which runtimes round differently.
func (w *writer) rescales(o *qmodel.Operator, lo int32) bool {
	in, out := &w.model.Tensors[o.Inputs[0]], &w.model.Tensors[o.Output]
	ratio := float64(w.scale(o.Inputs[0])) / float64(w.scale(o.Output))
	_, hi := out.Span()
	for i, code := range o.Table {
		v := float64(int32(i)&in.Max()-in.ZeroPoint)*ratio + float64(out.ZeroPoint)
		near := math.Abs(v - math.Floor(v) - 0.5)
		if min(max(math.Floor(v+0.5), float64(lo)), float64(hi)) != float64(code) || near < 1e-4 && v > float64(lo) && v < float64(hi) {
			return false
		}
	}
	return !out.Signs
}

// multiply lowers a product of two tensors.
func (w *writer) multiply(o *qmodel.Operator, lo int32) agreement.Statement {
	a, b, r := o.Inputs[0], o.Inputs[1], o.Requantizer
	if r == nil {
		return refused("the sign of a product; TFLite has none")
	}
	want := float64(w.scale(a)) * float64(w.scale(b)) / float64(w.scale(o.Output))
	for c, m := range r.M[0] {
		if got := math.Ldexp(float64(m), -int(r.Shift[c])); math.Abs(got-want) > 1e-5*want || r.AccBias[c] != 0 || r.Bias[c] != 0 {
			return refused("channel %d: the product has the multiplier %g, where the scales say %g, or a constant beside it", c, got, want)
		}
	}
	flat := w.values[a].flat
	x, y := w.input(a, flat), w.input(b, flat)
	w.finish(o, lo, w.file.tensors[x].shape, true, func(to, activation int32) {
		w.node(node{code: opMul, version: 2, in: []int32{x, y}, out: []int32{to}, table: 21, options: []field{{0, activation, true}}})
	})
	return agreement.Statement{Agreement: agreement.Step, Note: "TFLite Micro and the reference kernels round twice"}
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
