// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"fmt"
	"math"

	"github.com/goqat/goqat/export/agreement"
	"github.com/goqat/goqat/internal/onnxproto"
	"github.com/goqat/goqat/qmodel"
)

const qdqDoc = `A quantized network in the usual form, QuantizeLinear and DequantizeLinear around operators on real numbers, which ` +
	`runtimes turn into integer kernels. Codes may differ from goqat's, rarely, by one step, and more the deeper the network. ` +
	`The image is UINT8 as decoded; the greatest logit, a real number, is the class.`

// A Bias is how the biases of layers are stored.
type Bias string

// The ways to store biases. The logits have int32 ones always: runtimes leave the last layer in floating point else.
const (
	FloatBias Bias = "float" // real numbers, rounded once
	Int32Bias Bias = "int32" // integers of the accumulator's step, for older runtimes
)

// QDQ returns the model as an ONNX file of QuantizeLinear and DequantizeLinear, opset 13, 21 with packed weights. Codes are
// UINT8, as goqat has them, weights INT8, or UINT8 around 128 where INT8 could saturate, with a scale for each channel, scales of activations single numbers, the
// logits real. A residual sum is rounded once: nothing is quantized between a convolution and an addition.
//
// What has no such form, sums over several signs and comparisons of several terms, is in the form of Exact.
func QDQ(m *qmodel.Model, o Options) (*onnxproto.Model, []agreement.Statement, error) {
	q := &qdq{exact: newExact(m, o), bias: o.Bias, pending: map[int]*qmodel.Operator{}}
	statements := lower(m, q.operator)
	if err := agreement.Refused("onnx", statements); err != nil {
		return nil, statements, err
	}
	return q.finish(o, qdqDoc, q.logits), statements, nil
}

// A qdq lowers a model to operators on real numbers.
type qdq struct {
	*exact
	bias    Bias
	logits  onnxproto.Type           // of the last tensor
	pending map[int]*qmodel.Operator // of the tensors of accumulators that are not in the graph
	terms   dyadic                   // of the current operator
}

// operator lowers one operator.
func (q *qdq) operator(o *qmodel.Operator) agreement.Statement {
	q.start(o)
	q.terms = dyadic{sums: map[int]spanned{}}
	out := &q.model.Tensors[o.Output]
	switch {
	case out.Kind == qmodel.Accumulators:
		q.pending[o.Output] = o
		return agreement.Statement{Agreement: agreement.Exact, Note: "summed with what it is added to"}
	case o.Maximizes():
		q.maximum(o)
		return agreement.Statement{Agreement: agreement.Exact}
	case o.Table != nil:
		// ONNX Runtime makes one rounding of two that meet: findings/onnxruntime-two-roundings.sh.
		q.table(o)
		return agreement.Statement{Agreement: agreement.Exact}
	case q.rearranges(o):
		return agreement.Statement{Agreement: agreement.Exact}
	case o.Thresholds != nil && q.onePart(o) && o.Thresholds.Planes() == 1 && narrow(o.Weights.Values(0)):
		return q.sign(o)
	case o.Thresholds == nil && q.hasForm(o):
		return q.requantized(o)
	}
	for _, in := range o.Inputs {
		if p := q.pending[in]; p != nil {
			delete(q.pending, in)
			if s := q.exact.operator(p); s.Agreement == agreement.None {
				return s
			}
		}
	}
	s := q.exact.operator(o)
	if out.Kind == qmodel.Logits && s.Agreement != agreement.None {
		q.logits = onnxproto.TypeInt32
	}
	if s.Note != "" {
		s.Note = "in the form of onnx-exact: " + s.Note
	}
	return s
}

// realScale returns the real value of one step of a tensor of codes. A sign, 0 or 1, is ±1 but for a constant.
func (q *qdq) realScale(i int) float32 {
	t := &q.model.Tensors[i]
	if t.Signs {
		return 2
	}
	return math.Float32frombits(t.ScaleBits)
}

// dequantize adds the real values of a tensor of codes.
func (q *qdq) dequantize(i int, flat bool) string {
	t := &q.model.Tensors[i]
	if t.ZeroPoints == nil {
		return q.real(i, q.in(i, flat))
	}
	// Runtimes have one zero point for all channels of what a convolution reads, and some take the first of many for all.
	dims, zeros := zeroPoints(t, flat)
	x := q.node("Sub", []string{q.cast(q.in(i, flat), onnxproto.TypeFloat), q.float32s("zero_point", dims, zeros...)})
	return q.node("Mul", []string{x, q.float32s("scale", nil, q.realScale(i))})
}

// real adds the real values of codes that are those of tensor i, which has one zero point.
func (q *qdq) real(i int, codes string) string {
	return q.node("DequantizeLinear", []string{codes, q.float32s("scale", nil, q.realScale(i)), q.byte8("zero_point", q.model.Tensors[i].ZeroPoint)})
}

// quantize makes the codes of the operator's output of real values. Codes that the output may not have are cut off as codes:
// runtimes run what clips real numbers before they are quantized in floating point.
func (q *qdq) quantize(o *qmodel.Operator, y string, flat bool) {
	t := &q.model.Tensors[o.Output]
	lo, hi := t.Span()
	q.node("QuantizeLinear", []string{y, q.float32s("scale", nil, q.realScale(o.Output)), q.byte8("zero_point", t.ZeroPoint)})
	if lo > 0 || hi < 255 {
		q.node("Clip", []string{q.last(), q.byte8("least", lo), q.byte8("most", hi)})
	}
	q.output(o.Output, flat)
}

// last returns the name of the tensor that the last node makes.
func (b *builder) last() string { return b.graph.Nodes[len(b.graph.Nodes)-1].Outputs[0] }

// requantized lowers an operator whose terms are summed as real numbers.
func (q *qdq) requantized(o *qmodel.Operator) agreement.Statement {
	out, r := &q.model.Tensors[o.Output], o.Requantizer
	flat := o.Vector() || !o.Weighted() && !o.Averages() && q.values[o.Inputs[0]].flat
	bias := biases(r)
	var y string
	plus := func(term string) {
		if y != "" {
			term = q.node("Add", []string{y, term})
		}
		y = term
	}
	term, rest := 0, o.Inputs
	switch {
	case o.Weighted():
		for ; term < o.Weights.Sets(); term++ {
			plus(q.product(o, term, r.M[term], r.Shift, o.Output, bias))
			bias = nil
		}
		rest = rest[1:]
	case o.Averages():
		plus(q.average(o))
		term, rest = 1, nil
	case o.Multiplies():
		plus(q.multiplied(o, flat))
		term, rest = 1, nil
	}
	for _, in := range rest {
		if p := q.pending[in]; p != nil {
			plus(q.product(p, 0, r.M[term], r.Shift, o.Output, nil))
		} else {
			plus(q.added(in, r.M[term], r.Shift, o.Output, flat))
		}
		term++
	}
	if bias != nil {
		y = q.constant(y, bias, o.Output, flat)
	}
	if out.Kind == qmodel.Logits {
		q.logits = onnxproto.TypeFloat
		q.output(o.Output, flat)
		return agreement.Statement{Agreement: agreement.Float, Note: fmt.Sprintf("a step is %v", math.Float32frombits(out.ScaleBits))}
	}
	q.quantize(o, y, flat)
	if q.terms.exact() {
		note := "scales are powers of two"
		if out.ZeroPoint%2 != 0 { // findings/openvino-zero-point-ties.sh
			note += "; the zero point is odd: a step in OpenVINO at ties"
		}
		return agreement.Statement{Agreement: agreement.Exact, Note: note}
	}
	return agreement.Statement{Agreement: agreement.Step}
}
