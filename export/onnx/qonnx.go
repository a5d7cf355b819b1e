// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"fmt"
	"math"
	"math/bits"

	"github.com/goqat/goqat/export/agreement"
	"github.com/goqat/goqat/internal/onnxproto"
	"github.com/goqat/goqat/qmodel"
)

const qonnxDoc = `A quantized network for FPGAs, in QONNX: Quant and BipolarQuant nodes around integers, all scales 1, and a factor and a ` +
	`constant for each channel before a Quant. The image are its bytes as decoded; the greatest logit is the class.`

// QONNX returns the model as a file for FINN and hls4ml, of one image.
//
// Every tensor of codes holds q - zero point, or ±1 of signs, and every weight its integer, so that sums are exact
// and all scales are 1, a power of two; the factors of the requantization stand before the next Quant, in float32. No
// Quant has a zero point, weights of 1 bit are bipolar, and every tensor has its shape, as the tools ask for. Codes of
// several signs have no form.
func QONNX(m *qmodel.Model, o Options) (*onnxproto.Model, []agreement.Statement, error) {
	q := &qonnx{builder: newBuilder(m), shapes: map[string][]int64{}, sums: map[int]func(m []int64, shift []uint8) string{}}
	q.image()
	statements := lower(m, q.operator)
	if err := agreement.Refused("qonnx", statements); err != nil {
		return nil, statements, err
	}
	o.Pack = false // integers are stored as float32, which the format asks for
	f := q.finish(o, qonnxDoc, onnxproto.TypeFloat)
	f.Graph.Inputs[0].Type = onnxproto.TypeFloat
	f.Graph.Inputs[0].Dims[0], f.Graph.Outputs[0].Dims[0] = onnxproto.Dim{Size: 1}, onnxproto.Dim{Size: 1}
	f.Opsets = append(f.Opsets, onnxproto.Opset{Domain: onnxproto.QONNX, Version: 2})
	for _, n := range f.Graph.Nodes {
		if n.Outputs[0] == f.Graph.Outputs[0].Name {
			continue
		}
		v := onnxproto.Value{Name: n.Outputs[0], Type: onnxproto.TypeFloat}
		for _, d := range q.shapes[n.Outputs[0]] {
			v.Dims = append(v.Dims, onnxproto.Dim{Size: d})
		}
		f.Graph.Values = append(f.Graph.Values, v)
	}
	return f, statements, nil
}

// A qonnx lowers a model to nodes of QONNX.
type qonnx struct {
	*builder
	shapes map[string][]int64 // of what the nodes make
	// sums are, by tensor of accumulators, what adds them, times multipliers.
	sums map[int]func(m []int64, shift []uint8) string
}

// op adds a node whose output has a shape, and returns the output's name.
func (q *qonnx) op(shape []int64, op string, inputs []string, attributes ...onnxproto.Attribute) string {
	name := q.node(op, inputs, attributes...)
	q.shapes[name] = shape
	return name
}

// quant adds a quantization to integers of so many bits. Its scale has the rank of what is quantized; tools guess at others.
func (q *qonnx) quant(shape []int64, x string, width int, signed, narrow bool) string {
	number := func(name string, v float32) string { return q.float32s(name, nil, v) }
	ones := make([]int64, len(shape))
	for i := range ones {
		ones[i] = 1
	}
	flag := func(name string, on bool) onnxproto.Attribute {
		if on {
			return integer(name, 1)
		}
		return integer(name, 0)
	}
	y := q.op(shape, "Quant", []string{x, q.float32s("scale", ones, 1), number("zero_point", 0), number("bits", float32(width))},
		flag("signed", signed), flag("narrow", narrow), onnxproto.Attribute{Name: "rounding_mode", Kind: onnxproto.String, String: "ROUND"})
	q.graph.Nodes[len(q.graph.Nodes)-1].Domain = onnxproto.QONNX
	return y
}

// bipolar adds a quantization to -1 and +1: of 0 it is +1.
func (q *qonnx) bipolar(shape []int64, x string) string {
	ones := make([]int64, len(shape))
	for i := range ones {
		ones[i] = 1
	}
	y := q.op(shape, "BipolarQuant", []string{x, q.float32s("scale", ones, 1)})
	q.graph.Nodes[len(q.graph.Nodes)-1].Domain = onnxproto.QONNX
	return y
}

// shape returns the shape of tensor i, as an image or as a row.
func (q *qonnx) shape(i int, flat bool) []int64 {
	t := &q.model.Tensors[i]
	if flat {
		return []int64{1, int64(t.Len())}
	}
	return []int64{1, int64(t.Channels), int64(t.Height), int64(t.Width)}
}

// in returns tensor i in one of the two shapes.
func (q *qonnx) in(i int, flat bool) string {
	made := len(q.graph.Nodes)
	name := q.builder.in(i, flat)
	if len(q.graph.Nodes) > made {
		q.shapes[name] = q.shape(i, flat)
	}
	return name
}

// give makes what the last node made tensor i.
func (q *qonnx) give(i int, flat bool) {
	shape := q.shapes[q.last()]
	if q.output(i, flat); q.values[i].flat {
		shape = []int64{1, int64(q.model.Tensors[i].Len())}
	}
	q.shapes[q.names[i]] = shape
}

// image makes the integers of the image: its bytes less the zero point.
func (q *qonnx) image() {
	q.prefix = "input."
	shape, t := q.shape(0, false), &q.model.Tensors[0]
	x := q.quant(shape, q.names[0], 8, false, false)
	if dims, zeros := zeroPoints(t, false); zeros != nil {
		x = q.op(shape, "Sub", []string{x, q.float32s("zero_point", dims, zeros...)})
	}
	q.values[0] = value{image: x}
}

// operator lowers one operator.
func (q *qonnx) operator(o *qmodel.Operator) agreement.Statement {
	q.start(o)
	in, out := &q.model.Tensors[o.Inputs[0]], &q.model.Tensors[o.Output]
	if many := func(t *qmodel.Tensor) bool { return t.Signs && t.Bits > 1 }; many(in) || many(out) {
		return agreement.Statement{Agreement: agreement.None, Note: "a code holds several signs; train with 1 bit of activations"}
	}
	switch {
	case o.Maximizes():
		q.op(q.shape(o.Output, false), "MaxPool", []string{q.in(o.Inputs[0], false)}, window(o)...)
		q.give(o.Output, false)
		return agreement.Statement{Agreement: agreement.Exact}
	case o.Table != nil:
		return q.table(o)
	case o.Tables != nil:
		return q.concatenate(o)
	case o.Aliases() || o.Shuffle > 0 || o.Factor[0] > 0:
		return q.rearranged(o)
	}
	if out.Kind == qmodel.Accumulators {
		q.sums[o.Output] = func(m []int64, shift []uint8) string { return q.product(o, 0, m, shift) }
		return agreement.Statement{Agreement: agreement.Exact, Note: "summed with what it is added to"}
	}
	flat := o.Vector() || !o.Weighted() && !o.Averages() && q.values[o.Inputs[0]].flat
	if o.Thresholds != nil {
		return q.sign(o, flat)
	}
	return q.requantize(o, flat)
}

// rearranged lowers what moves numbers: a flattening, a choice of channels, an upsampling.
func (q *qonnx) rearranged(o *qmodel.Operator) agreement.Statement {
	flat := q.values[o.Inputs[0]].flat
	if o.Factor[0] > 0 {
		q.in(o.Inputs[0], false)
	}
	made := len(q.graph.Nodes)
	q.rearranges(o)
	t := &q.model.Tensors[o.Inputs[0]]
	for _, n := range q.graph.Nodes[made:] {
		q.shapes[n.Outputs[0]] = q.shape(o.Output, flat && o.Factor[0] == 0 || o.Aliases())
		if n.Op == "Transpose" {
			q.shapes[n.Outputs[0]] = []int64{1, int64(t.Height), int64(t.Width), int64(t.Channels)}
		}
	}
	return agreement.Statement{Agreement: agreement.Exact}
}

// integers makes the operator's output, q - zero point, of real numbers in its steps. Codes around a zero point are signed: a
// zero point added before the rounding would turn ties where it is odd.
func (q *qonnx) integers(o *qmodel.Operator, y string, flat bool) {
	q.quantized(&q.model.Tensors[o.Output], y, q.shape(o.Output, flat))
	q.give(o.Output, flat)
}

// quantized makes integers of the tensor t of real numbers in its steps.
func (q *qonnx) quantized(t *qmodel.Tensor, y string, shape []int64) string {
	lo, hi := t.Span()
	width, signed := t.Bits, t.ZeroPoint != 0
	full := lo == 0 && hi == t.Max()
	if signed && !(full && 2*t.ZeroPoint == t.Max()+1) {
		width, full = width+1, false
	}
	if !full {
		y = q.op(shape, "Clip", []string{y, q.float32s("least", nil, float32(lo-t.ZeroPoint)), q.float32s("most", nil, float32(hi-t.ZeroPoint))})
	}
	return q.quant(shape, y, width, signed, false)
}

// requantize lowers an operator that rounds a sum of terms.
func (q *qonnx) requantize(o *qmodel.Operator, flat bool) agreement.Statement {
	r, shape := o.Requantizer, q.shape(o.Output, flat)
	scale := float32(1)
	logits := q.model.Tensors[o.Output].Kind == qmodel.Logits
	if logits {
		scale = math.Float32frombits(q.model.Tensors[o.Output].ScaleBits)
	}
	y := q.terms(o, r.M, r.Shift, flat)
	constants, none := make([]float32, len(r.Shift)), true
	for c, b := range biases(r) {
		v, _ := b.Float64()
		constants[c] = float32(v)
		none = none && v == 0
	}
	if !none {
		y = q.op(shape, "Add", []string{y, q.float32s("bias", broadcast(len(constants), flat), constants...)})
	}
	if logits {
		q.op(shape, "Mul", []string{y, q.float32s("logit_scale", nil, scale)})
		q.give(o.Output, flat)
		return agreement.Statement{Agreement: agreement.Float, Note: fmt.Sprintf("a step is %v", scale)}
	}
	q.integers(o, y, flat)
	return agreement.Statement{Agreement: agreement.Step}
}

// terms sums the terms of an operator times multipliers, in steps of the output.
func (q *qonnx) terms(o *qmodel.Operator, m [][]int64, shift []uint8, flat bool) string {
	shape := q.shape(o.Output, flat)
	var y string
	plus := func(term string) {
		if y != "" {
			term = q.op(shape, "Add", []string{y, term})
		}
		y = term
	}
	term, rest := 0, o.Inputs
	switch {
	case o.Weighted():
		for ; term < o.Weights.Sets(); term++ {
			plus(q.product(o, term, m[term], shift))
		}
		rest = rest[1:]
	case o.Averages():
		x := &q.model.Tensors[o.Inputs[0]]
		mean := q.op(shape, "AveragePool", []string{q.in(o.Inputs[0], false)}, averageWindow(o)...)
		plus(q.times(mean, m[0], shift, float64(o.Window().Whole(x.Height, x.Width, o.CountPad)), shape))
		term, rest = 1, nil
	case o.Multiplies():
		product := q.op(shape, "Mul", []string{q.in(o.Inputs[0], flat), q.in(o.Inputs[1], flat)})
		plus(q.times(product, m[0], shift, 1, shape))
		term, rest = 1, nil
	}
	for _, in := range rest {
		if sum := q.sums[in]; sum != nil {
			plus(sum(m[term], shift))
		} else {
			plus(q.times(q.in(in, flat), m[term], shift, 1, shape))
		}
		term++
	}
	return y
}

// times multiplies a tensor of a shape by multipliers and a number.
func (q *qonnx) times(x string, m []int64, shift []uint8, by float64, shape []int64) string {
	factors := make([]float32, len(m))
	for c := range m {
		factors[c] = float32(math.Ldexp(float64(m[c]), -int(shift[c])) * by)
	}
	return q.op(shape, "Mul", []string{x, q.float32s("factor", broadcast(len(m), len(shape) == 2), factors...)})
}

// product sums set k of an operator's weights over its input, times multipliers.
func (q *qonnx) product(o *qmodel.Operator, k int, m []int64, shift []uint8) string {
	acc := q.accumulate(o, q.weights(o, k), o.Weights.Bits == 1)
	return q.times(acc, m, shift, 1, q.shape(o.Output, o.Vector()))
}

// accumulate sums weights over the operator's input.
func (q *qonnx) accumulate(o *qmodel.Operator, weights []int16, signs bool) string {
	flat := o.Vector()
	values := make([]float32, len(weights))
	for i, w := range weights {
		values[i] = float32(w)
	}
	dims := weightDims(o)
	w := q.float32s("weight", dims, values...)
	if signs {
		w = q.bipolar(dims, w)
	} else {
		width := max(o.Weights.Bits, bits.Len64(uint64(greatest(weights)))+1)
		w = q.quant(dims, w, width, true, true)
	}
	x, shape := q.in(o.Inputs[0], flat), q.shape(o.Output, flat)
	if flat {
		return q.op(shape, "Gemm", []string{x, w}, integer("transB", 1))
	}
	if t := &q.model.Tensors[o.Inputs[0]]; t.Signs && o.Pad != [4]int{} { // padding is -1
		padded := q.shape(o.Inputs[0], false)
		padded[2] += int64(o.Pad[0] + o.Pad[2])
		padded[3] += int64(o.Pad[1] + o.Pad[3])
		pads := q.int64s("pads", 0, 0, int64(o.Pad[0]), int64(o.Pad[1]), 0, 0, int64(o.Pad[2]), int64(o.Pad[3]))
		x = q.op(padded, "Pad", []string{x, pads, q.float32s("padding", nil, -1)})
		unpadded := *o
		unpadded.Pad = [4]int{}
		return q.op(shape, "Conv", []string{x, w}, window(&unpadded)...)
	}
	return q.op(shape, "Conv", []string{x, w}, window(o)...)
}

// sign lowers a comparison: of one accumulator with whole thresholds, exactly, else of a sum in float32.
func (q *qonnx) sign(o *qmodel.Operator, flat bool) agreement.Statement {
	t, shape := o.Thresholds, q.shape(o.Output, flat)
	channels := t.Channels()
	limits := make([]float32, channels)
	var y string
	level := agreement.Exact
	if x := &q.model.Tensors[o.Inputs[0]]; o.Weighted() && len(o.Inputs) == 1 && o.Weights.Sets() == 1 {
		weights := append([]int16(nil), q.weights(o, 0)...)
		each := len(weights) / channels
		for i := range weights {
			if t.M[0][i/each] < 0 {
				weights[i] = -weights[i]
			}
		}
		for c, bound := range o.Weights.TermBounds(x)[0] {
			limits[c] = float32(limit(t.T[0][c], t.M[0][c], bound, 0, false))
			if bound >= maxFloat32 {
				level = agreement.Step
			}
		}
		y = q.accumulate(o, weights, o.Weights.Bits == 1)
	} else {
		y = q.terms(o, t.M, make([]uint8, channels), flat)
		for c, v := range t.T[0] {
			limits[c] = float32(v)
		}
		level = agreement.Step
	}
	y = q.op(shape, "Sub", []string{y, q.float32s("threshold", broadcast(channels, flat), limits...)})
	q.bipolar(shape, y)
	q.give(o.Output, flat)
	return agreement.Statement{Agreement: level}
}
