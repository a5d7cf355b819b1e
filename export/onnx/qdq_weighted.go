// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/big"

	"github.com/goqat/goqat/export/agreement"
	"github.com/goqat/goqat/fixed"
	"github.com/goqat/goqat/internal/onnxproto"
	"github.com/goqat/goqat/qmodel"
	"github.com/goqat/goqat/quant"
)

// hasForm says whether the terms of an operator can be summed as real numbers: those of its weights, and of the tensors
// of accumulators that it adds, over codes or single signs. Its biases, which runtimes round to int32 in steps of the
// accumulator, must fit, and a rounded one must not be wrong by more than half a step of the output.
func (q *qdq) hasForm(o *qmodel.Operator) bool {
	producers := []*qmodel.Operator{}
	if o.Weighted() {
		producers = append(producers, o)
	}
	for _, in := range o.Inputs {
		if q.model.Tensors[in].Kind == qmodel.Accumulators {
			producers = append(producers, q.pending[in])
		}
	}
	for _, p := range producers {
		if p == nil { // it is in the graph in the form of Exact
			return false
		}
		if x := &q.model.Tensors[p.Inputs[0]]; x.Signs && x.Bits > 1 {
			return false
		}
	}
	if !o.Weighted() {
		return o.Requantizer != nil
	}
	r, x := o.Requantizer, &q.model.Tensors[o.Inputs[0]]
	w := o.Weights.Values(0)
	each := len(w) / len(r.Shift)
	offset := q.signOffsets(x, w, r.M[0], r.Shift)
	for c, b := range biases(r) {
		step := steps(r.M[0][c], r.Shift[c])
		if offset != nil {
			step *= 2
			b.Add(b, offset[c])
		}
		if step == 0 {
			continue
		}
		b.Quo(b, new(big.Rat).SetFloat64(step))
		if v, _ := b.Float64(); math.Abs(v) >= 1<<29 {
			return false
		}
		if step > 1 {
			k := finer(w[c*each:][:each], b, 0, q.limit(x, w))
			if step > float64(k) && !divides(b, k) {
				return false
			}
		}
	}
	return true
}

// biases returns the constant of each channel in steps of the output.
func biases(r *fixed.Requantizer) []*big.Rat {
	list := make([]*big.Rat, len(r.Shift))
	for c := range list {
		sum := new(big.Int).Mul(big.NewInt(int64(r.AccBias[c])), big.NewInt(r.M[0][c]))
		sum.Add(sum, big.NewInt(r.Bias[c]))
		list[c] = new(big.Rat).SetFrac(sum, new(big.Int).Lsh(big.NewInt(1), uint(r.Shift[c])))
	}
	return list
}

// product sums set k of the weights of an operator over its input, times the multipliers, and adds a constant, in steps of
// tensor out, unless it is nil. It returns the sum in real numbers.
func (q *qdq) product(o *qmodel.Operator, k int, m []int64, shift []uint8, out int, bias []*big.Rat) string {
	if weights := q.weights(o, k); !narrow(weights) {
		high, low := make([]int16, len(weights)), make([]int16, len(weights))
		double := make([]int64, len(m))
		for i, w := range weights {
			high[i], low[i] = w/2, w%2
		}
		for c := range m {
			double[c] = 2 * m[c]
		}
		a := q.weighted(o, high, double, shift, out, bias)
		return q.node("Add", []string{a, q.weighted(o, low, m, shift, out, nil)})
	}
	return q.weighted(o, q.weights(o, k), m, shift, out, bias)
}

// narrow says whether int8 holds weights and their negatives.
func narrow(weights []int16) bool {
	for _, w := range weights {
		if w < -127 || w > 127 {
			return false
		}
	}
	return true
}

// weighted is product for weights that int8 holds, of the order of ONNX.
func (q *qdq) weighted(o *qmodel.Operator, weights []int16, m []int64, shift []uint8, out int, bias []*big.Rat) string {
	x, in, scale := &q.model.Tensors[o.Inputs[0]], q.realScale(o.Inputs[0]), q.realScale(out)
	lo, hi := x.Reach()
	if x.Signs {
		lo, hi = 0, 1
	}
	w := append([]int16(nil), weights...)
	each := len(w) / len(m)
	layer := layer{weights: w, scales: make([]float32, len(m))}
	limit := q.limit(x, w)
	if bias != nil {
		layer.real, layer.integer = make([]float32, len(m)), make([]int32, len(m))
	}
	offset := q.signOffsets(x, w, m, shift)
	q.terms.scale(in, scale)
	for c := range m {
		row := w[c*each:][:each]
		constant := new(big.Rat)
		if bias != nil {
			constant.Set(bias[c])
		}
		if offset != nil {
			constant.Add(constant, offset[c])
		}
		for i := range row {
			switch {
			case m[c] < 0:
				row[i] = -row[i]
			case m[c] == 0:
				row[i] = 0
			}
		}
		step := steps(m[c], shift[c])
		if x.Signs {
			step *= 2 // a sign is 2·bit - 1
		}
		if step == 0 {
			step = 1. / 256
		}
		inSteps := new(big.Rat).Quo(constant, new(big.Rat).SetFloat64(step))
		factor := finer(row, inSteps, fixed.DotBound(row, lo, hi), limit)
		for i := range row {
			row[i] *= int16(factor)
		}
		inSteps.Mul(inSteps, new(big.Rat).SetInt64(factor))
		layer.scales[c] = quant.WeightScale(in, scale, step/float64(factor))
		q.terms.add(c, step/float64(factor), fixed.DotBound(row, lo, hi), inSteps)
		if bias != nil || offset != nil {
			layer.bias(c, len(m), constant, inSteps, scale)
		}
	}
	return q.emitLayer(o, x, in, &layer)
}

// signOffsets is the constant -Σ w of an input of signs, in steps of the output; nil for other inputs.
func (q *qdq) signOffsets(x *qmodel.Tensor, w []int16, m []int64, shift []uint8) []*big.Rat {
	if !x.Signs {
		return nil
	}
	list := make([]*big.Rat, len(m))
	each := len(w) / len(m)
	for c := range m {
		var sum int64
		for _, v := range w[c*each:][:each] {
			sum += int64(v)
		}
		product := new(big.Int).Mul(big.NewInt(-sum), big.NewInt(m[c]))
		list[c] = new(big.Rat).SetFrac(product, new(big.Int).Lsh(big.NewInt(1), uint(shift[c])))
	}
	return list
}

// finer returns the power of two by which the weights of a channel grow, up to a limit, so that a bias in steps of the
// accumulator has no fraction, or less of one: runtimes round it to an integer.
func finer(row []int16, bias *big.Rat, bound int64, limit int64) int64 {
	most := greatest(row)
	v, _ := bias.Float64()
	k := int64(1)
	for most > 0 && 2*k*most <= limit && float64(2*k)*(float64(bound)+math.Abs(v)) < maxFloat32 && !divides(bias, k) {
		k *= 2
	}
	return k
}

// greatest returns the greatest |w|.
func greatest(weights []int16) int64 {
	var most int16
	for _, w := range weights {
		most = max(most, w, -w)
	}
	return int64(most)
}

// pairs says whether the sum of two products of codes of x and weights of at most so much fits 16 bits. Runtimes for x86
// without VNNI add products of UINT8 and INT8 in pairs, by VPMADDUBSW, which saturates: then the weights are UINT8.
func pairs(x *qmodel.Tensor, most int64) bool {
	_, hi := x.Span()
	return 2*int64(hi)*most <= math.MaxInt16
}

// limit returns how far the weights of a layer over x may grow in the type that they are stored in.
func (q *qdq) limit(x *qmodel.Tensor, weights []int16) int64 {
	most := greatest(weights)
	if _, _, odd := span(weights); q.pack && (most <= 7 || odd && most <= 15) {
		return max(7, most) // odd weights stay odd
	}
	_, hi := x.Span()
	if pairs(x, most) {
		return min(127, math.MaxInt16/(2*int64(hi)))
	}
	return 127
}

// divides says whether k·r is an integer.
func divides(r *big.Rat, k int64) bool {
	return new(big.Int).Rem(big.NewInt(k), r.Denom()).Sign() == 0
}

// A layer are the numbers of a convolution or a linear layer. Biases are nil if there are none.
type layer struct {
	weights []int16
	scales  []float32 // of the weights, by channel
	real    []float32 // biases
	integer []int32   // biases in steps of the accumulator
}

// bias sets the bias of a channel, a constant in steps of the output, of the given scale, and in steps of the accumulator.
func (l *layer) bias(c, channels int, constant, inSteps *big.Rat, scale float32) {
	if l.real == nil {
		l.real, l.integer = make([]float32, channels), make([]int32, channels)
	}
	v, _ := new(big.Rat).Mul(constant, new(big.Rat).SetFloat64(float64(scale))).Float64()
	l.real[c] = float32(v)
	n, _ := inSteps.Float64()
	l.integer[c] = int32(min(max(math.RoundToEven(n), math.MinInt32), math.MaxInt32)) // hasForm keeps it far inside
}

// emitLayer adds a layer over the tensor x of the given scale, and returns its result.
func (q *qdq) emitLayer(o *qmodel.Operator, x *qmodel.Tensor, scale float32, l *layer) string {
	linear, channels := o.Vector(), int64(len(l.scales))
	name, zeros := q.codes(o, x, l.weights)
	inputs := []string{
		q.dequantize(o.Inputs[0], linear),
		q.node("DequantizeLinear", []string{name, q.float32s("weight_scale", []int64{channels}, l.scales...), zeros}, integer("axis", 0)),
	}
	switch {
	case l.real == nil:
	case q.bias == Int32Bias || q.model.Tensors[o.Output].Kind == qmodel.Logits:
		inputs = append(inputs, q.integerBias(l, scale))
	default:
		inputs = append(inputs, q.float32s("bias", []int64{channels}, l.real...))
	}
	if linear {
		return q.node("Gemm", inputs, integer("transB", 1))
	}
	return q.node("Conv", inputs, window(o)...)
}

// codes adds weights and their zero points, one for each channel.
func (q *qdq) codes(o *qmodel.Operator, x *qmodel.Tensor, weights []int16) (name, zeros string) {
	channels := o.Weights.Shape[0]
	if pairs(x, greatest(weights)) {
		// Runtimes have kernels for INT8 that was INT4, and run DequantizeLinear of INT4 as it stands.
		return q.store(weightDims(o), weights, q.pack, onnxproto.TypeInt8), q.initializer("weight_zero_point", onnxproto.TypeInt8, []int64{int64(channels)}, make([]byte, channels))
	}
	const zero = 128
	shifted := make([]byte, len(weights))
	for i, w := range weights {
		shifted[i] = byte(w + zero)
	}
	return q.initializer("weight", onnxproto.TypeUint8, weightDims(o), shifted),
		q.initializer("weight_zero_point", onnxproto.TypeUint8, []int64{int64(channels)}, bytes.Repeat([]byte{zero}, channels))
}

// integerBias adds a bias of integers in steps of the accumulator.
func (q *qdq) integerBias(l *layer, scale float32) string {
	channels := int64(len(l.scales))
	var data []byte
	step := make([]float32, channels)
	for c, b := range l.integer {
		data = binary.LittleEndian.AppendUint32(data, uint32(b))
		step[c] = scale * l.scales[c]
	}
	dims := []int64{channels}
	return q.node("DequantizeLinear", []string{
		q.initializer("bias", onnxproto.TypeInt32, dims, data), q.float32s("bias_scale", dims, step...),
		q.initializer("bias_zero_point", onnxproto.TypeInt32, dims, make([]byte, 4*channels)),
	}, integer("axis", 0))
}

// sign lowers the comparison of one accumulator with one threshold: v >= limit is v + 1 - limit, cut off at 0 and 1. Its
// codes have the scale 2, the distance of the signs.
func (q *qdq) sign(o *qmodel.Operator) agreement.Statement {
	x, t := &q.model.Tensors[o.Inputs[0]], o.Thresholds
	in, linear := q.realScale(o.Inputs[0]), o.Vector()
	weights := append([]int16(nil), q.weights(o, 0)...)
	channels := len(t.M[0])
	each := len(weights) / channels
	lo, hi := x.Reach()
	if x.Signs {
		lo, hi = 0, 1
	}
	l := layer{weights: weights, scales: make([]float32, channels), real: make([]float32, channels), integer: make([]int32, channels)}
	widest := int64(0)
	for c := range channels {
		row := weights[c*each:][:each]
		var sum int64
		for i := range row {
			if t.M[0][c] < 0 {
				row[i] = -row[i]
			}
			sum += int64(row[i])
		}
		bound := fixed.DotBound(row, lo, hi)
		widest = max(widest, bound)
		l.integer[c] = int32(1 - limit(t.T[0][c], t.M[0][c], bound, sum, x.Signs))
		l.real[c] = 2 * float32(l.integer[c])
		l.scales[c] = quant.WeightScale(in, 2, 1)
	}
	y := q.emitLayer(o, x, in, &l)
	q.quantize(o, y, linear)
	if widest >= 1<<20 { // a sum in float32 is then wrong by less than half a step
		return agreement.Statement{Agreement: agreement.Step}
	}
	return agreement.Statement{Agreement: agreement.Exact}
}
