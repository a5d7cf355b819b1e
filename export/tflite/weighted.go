// SPDX-License-Identifier: Apache-2.0

package tflite

import (
	"fmt"
	"math"
	"math/big"

	"github.com/goqat/goqat/export/agreement"
	"github.com/goqat/goqat/fixed"
	"github.com/goqat/goqat/qmodel"
	"github.com/goqat/goqat/quant"
)

// A layer are the numbers of a convolution or a linear layer, weights [out, height, width, in / groups].
type layer struct {
	weights []int16
	scales  []float32 // of the weights, by channel
	bias    []int32   // in steps of the accumulator
	wrong   float64   // by how many steps of the output a rounded bias is, where that is more than half of one
}

// weightsOf returns the weights of an operator with one accumulator; a mean and a sign have ones.
func (w *writer) weightsOf(o *qmodel.Operator) ([]int16, error) {
	if o.Weights == nil {
		ones := make([]int16, w.model.Tensors[o.Inputs[0]].Channels*max(1, o.Kernel[0])*max(1, o.Kernel[1]))
		for i := range ones {
			ones[i] = 1
		}
		return ones, nil
	}
	if n := o.Weights.Sets(); n > 1 {
		return nil, fmt.Errorf("%d sets of weights, whose sums have a multiplier each; TFLite has one", n)
	}
	values := o.Weights.Values(0)
	for _, v := range values {
		if v < -127 || v > 127 {
			return nil, fmt.Errorf("weight %d, beyond int8", v)
		}
	}
	return values, nil
}

// constants returns the constant of each channel of a requantization in steps of the output.
func constants(r *fixed.Requantizer) []*big.Rat {
	list := make([]*big.Rat, r.Channels())
	for c := range list {
		sum := new(big.Int).Mul(big.NewInt(int64(r.AccBias[c])), big.NewInt(r.M[0][c]))
		list[c] = dyadic(sum.Add(sum, big.NewInt(r.Bias[c])), r.Shift[c])
	}
	return list
}

// dyadic is n·2^-shift.
func dyadic(n *big.Int, shift uint8) *big.Rat {
	return new(big.Rat).SetFrac(n, new(big.Int).Lsh(big.NewInt(1), uint(shift)))
}

// layer finds the numbers of the term of an operator's own accumulator, times m·2^-shift, in steps of an output of scale y.
// constant is nil for none.
func (w *writer) layer(o *qmodel.Operator, m []int64, shift []uint8, y float32, constant []*big.Rat) (*layer, error) {
	values, err := w.weightsOf(o)
	if err != nil {
		return nil, err
	}
	return w.layerWithin(w.limit(values), o, values, m, shift, y, constant)
}

// layerWithin is layer for weights that may grow up to a limit.
func (w *writer) layerWithin(limit int64, o *qmodel.Operator, values []int16, m []int64, shift []uint8, y float32, constant []*big.Rat) (*layer, error) {
	in := o.Inputs[0]
	x, scale := &w.model.Tensors[in], w.scale(in)
	lo, hi := x.Reach()
	if x.Signs {
		lo, hi = 0, 1
	}
	l := &layer{weights: make([]int16, len(values)), scales: make([]float32, len(m)), bias: make([]int32, len(m))}
	each := len(values) / len(m)
	for c := range m {
		row, to := values[c*each:][:each], l.weights[c*each:][:each]
		step := new(big.Rat).Abs(dyadic(big.NewInt(m[c]), shift[c])) // of the accumulator, in those of the output
		rest := new(big.Rat)
		if constant != nil {
			rest.Set(constant[c])
		}
		rest.Add(rest, dyadic(new(big.Int).Mul(big.NewInt(w.recentred(o, row, c, len(m))), big.NewInt(m[c])), shift[c]))
		if x.Signs { // Σ (2b - 1)·w
			var sum int64
			for _, v := range row {
				sum += int64(v)
			}
			rest.Add(rest, dyadic(new(big.Int).Mul(big.NewInt(-sum), big.NewInt(m[c])), shift[c]))
			step.Add(step, step)
		}
		sign := int16(1)
		switch {
		case m[c] < 0:
			sign = -1
		case m[c] == 0:
			sign = 0
			step.SetFrac64(1, 256)
		}
		rest.Quo(rest, step)
		bound, factor := fixed.DotBound(row, lo, hi), int64(1)
		for sign != 0 && finer(rest, factor, bound, greatest(row), limit) {
			factor *= 2
		}
		for i, v := range row {
			to[i] = sign * v * int16(factor)
		}
		multiplier, _ := step.Float64()
		l.scales[c] = quant.WeightScale(scale, y, multiplier/float64(factor))
		b, _ := rest.Mul(rest, new(big.Rat).SetInt64(factor)).Float64()
		if wrong := math.Abs(b-math.RoundToEven(b)) * multiplier / float64(factor); wrong > 0.5 {
			if limit < 127 { // they then are not packed
				return w.layerWithin(127, o, values, m, shift, y, constant)
			}
			l.wrong = max(l.wrong, wrong)
		}
		if math.Abs(b) >= 1<<30 {
			return nil, fmt.Errorf("channel %d: the bias is %g steps of the accumulator, beyond int32", c, b)
		}
		l.bias[c] = int32(math.RoundToEven(b))
	}
	return l, nil
}

// recentred is what an accumulator over codes around one zero point lacks where channels have zero points of their own:
// Σ (first zero point - that of the channel)·w over the weights of an output channel.
func (w *writer) recentred(o *qmodel.Operator, row []int16, c, channels int) (sum int64) {
	x := &w.model.Tensors[o.Inputs[0]]
	if x.ZeroPoints == nil {
		return 0
	}
	inputs := o.Weights.Shape[3]
	first := c / (channels / o.Groups) * inputs // of the group
	for i, v := range row {
		sum += int64(v) * int64(x.ZeroPoint-x.Zero(first+i%inputs))
	}
	return sum
}

// finer says whether weights may be doubled once more so that the bias, in steps of the accumulator, has less of a fraction.
func finer(bias *big.Rat, factor, bound, most, limit int64) bool {
	if most == 0 || 2*factor*most > limit || new(big.Int).Rem(big.NewInt(factor), bias.Denom()).Sign() == 0 {
		return false
	}
	b, _ := bias.Float64()
	return float64(2*factor)*(float64(bound)+math.Abs(b)) < 1<<24
}

func greatest(weights []int16) int64 {
	var most int16
	for _, v := range weights {
		most = max(most, v, -v)
	}
	return int64(most)
}

// limit returns how far weights may grow in the type that they are stored in.
func (w *writer) limit(weights []int16) int64 {
	if w.pack && greatest(weights) <= 7 {
		return 7
	}
	return 127
}

// product lowers a weighted operator, a mean, or a sign, of one input.
func (w *writer) product(o *qmodel.Operator, lo int32) agreement.Statement {
	if t := &w.model.Tensors[o.Inputs[0]]; t.Kind != qmodel.Codes {
		return refused("it reads the accumulators %s, which TFLite does not have", t.Name)
	}
	if o.Thresholds != nil {
		return w.sign(o)
	}
	l, err := w.layer(o, o.Requantizer.M[0], o.Requantizer.Shift, w.scale(o.Output), constants(o.Requantizer))
	if err != nil {
		return refused("%v", err)
	}
	w.finish(o, lo, w.shape(o), true, func(y, activation int32) { w.emit(o, l, y, activation) })
	if l.wrong > 0 {
		return agreement.Statement{Agreement: agreement.Step, Note: fmt.Sprintf("more than one step: a bias is wrong by %.1f steps, whose channel has steps of the accumulator that large", l.wrong)}
	}
	return agreement.Statement{Agreement: agreement.Step, Note: roundedTwice}
}

// shape returns that of the output.
func (w *writer) shape(o *qmodel.Operator) []int32 {
	if o.Vector() {
		return []int32{1, int32(w.model.Tensors[o.Output].Channels)}
	}
	return shapeOf(&w.model.Tensors[o.Output])
}

// sign lowers the comparison of one accumulator with one threshold: v >= T is v + 1 - T, cut off at 0 and 1.
func (w *writer) sign(o *qmodel.Operator) agreement.Statement {
	values, err := w.weightsOf(o)
	if err != nil {
		return refused("%v", err)
	}
	in := o.Inputs[0]
	x, t := &w.model.Tensors[in], o.Thresholds
	channels := t.Channels()
	l := &layer{weights: make([]int16, len(values)), scales: make([]float32, channels), bias: make([]int32, channels)}
	each := len(values) / channels
	const most = 1 << 29
	for c := range channels {
		row, to := values[c*each:][:each], l.weights[c*each:][:each]
		m, limit := t.M[0][c], t.T[0][c]
		sign, sum := int64(1), int64(0)
		switch {
		case m == 0: // a constant
			sign = 0
		case m < 0:
			sign, m = -1, -m
			fallthrough
		default: // |m|·v >= T is v >= ceil(T / |m|)
			limit = -floorDiv(-limit, m)
		}
		gain := sign
		if x.Signs {
			gain = 2 * sign
		}
		for i, v := range row {
			v := gain * int64(v)
			if v < -127 || v > 127 {
				return refused("weight %d of signs, which needs %d, beyond int8", row[i], v)
			}
			to[i] = int16(v)
			sum += int64(row[i])
		}
		bias := 1 - min(max(limit, -most), most) + sign*w.recentred(o, row, c, channels)
		if x.Signs {
			bias -= sign * sum
		}
		l.bias[c] = int32(bias)
		l.scales[c] = quant.WeightScale(w.scale(in), 2, 1)
	}
	w.finish(o, 0, w.shape(o), true, func(y, activation int32) { w.emit(o, l, y, activation) })
	return agreement.Statement{Agreement: agreement.Exact}
}

// floorDiv is the floor of a / b for b > 0.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// emit adds a convolution or linear layer, with its weights and biases.
func (w *writer) emit(o *qmodel.Operator, l *layer, y, activation int32) {
	in, channels := o.Inputs[0], len(l.scales)
	zeros := make([]int64, channels)
	biasScale := make([]float32, channels)
	for c, s := range l.scales {
		biasScale[c] = w.scale(in) * s
	}
	bias := w.constant(tensor{name: o.Name + "_bias", shape: []int32{int32(channels)}, kind: typeInt32, data: bytesOf(l.bias), scale: biasScale, zero: zeros})
	weights := tensor{name: o.Name + "_weights", scale: l.scales, zero: zeros}
	version := int32(3)
	ordered, shape := order(w, o, l.weights)
	weights.shape = shape
	if weights.kind, weights.data = w.store(ordered); weights.kind == typeInt4 {
		version = 7
	}
	w.weigh(o, weights, bias, y, activation, version, false)
}

// depthwise says whether an operator has its own weights for each input channel, and no others.
func (w *writer) depthwise(o *qmodel.Operator) bool {
	return o.Weights == nil || o.Groups > 1 && o.Groups == w.model.Tensors[o.Inputs[0]].Channels
}

// order returns weights in TFLite's order and their shape: [out, in], [out, height, width, in / groups], or of depthwise
// layers [1, height, width, out].
func order[T int16 | float32](w *writer, o *qmodel.Operator, values []T) ([]T, []int32) {
	channels := w.model.Tensors[o.Output].Channels
	height, width := max(1, o.Kernel[0]), max(1, o.Kernel[1])
	switch {
	case o.Vector():
		return values, []int32{int32(channels), int32(len(values) / channels)}
	case !w.depthwise(o):
		return values, []int32{int32(channels), int32(height), int32(width), int32(o.Weights.Shape[3])}
	}
	moved := make([]T, len(values))
	taps := height * width
	for c := range channels {
		for t := range taps {
			moved[t*channels+c] = values[c*taps+t]
		}
	}
	return moved, []int32{1, int32(height), int32(width), int32(channels)}
}

// store returns weights as int8 or, if they are to be packed and fit, int4, the first in the low bits.
func (w *writer) store(values []int16) (int8, []byte) {
	if w.pack && greatest(values) <= 7 {
		data := make([]byte, (len(values)+1)/2)
		for i, v := range values {
			data[i/2] |= byte(v&15) << (i % 2 * 4)
		}
		return typeInt4, data
	}
	data := make([]byte, len(values))
	for i, v := range values {
		data[i] = byte(v)
	}
	return typeInt8, data
}

// weigh adds the operator of a layer with the given weights and bias; real for one in floating point.
func (w *writer) weigh(o *qmodel.Operator, weights tensor, bias, y, activation, version int32, real bool) {
	in := o.Inputs[0]
	linear := o.Vector()
	x := w.input(in, linear)
	padding := int32(paddingValid)
	if !linear {
		x, padding = w.padded(o, x, false)
	}
	if real {
		t := w.file.tensors[x]
		from := x
		x = w.file.add(tensor{name: o.Name + "_input", shape: t.shape, kind: typeFloat32})
		w.node(node{code: opDequantize, version: 2, in: []int32{from}, out: []int32{x}, table: 38})
		version = 1
	}
	apart := [2]int32{int32(max(1, o.Dilation[0])), int32(max(1, o.Dilation[1]))}
	strides := []field{{0, padding, true}, {1, int32(max(1, o.Stride[1])), false}, {2, int32(max(1, o.Stride[0])), false}}
	n := node{out: []int32{y}, version: version}
	switch {
	case linear:
		n.code, n.table, n.options = opFullyConnected, 8, []field{{0, activation, true}}
		if version > 1 { // a scale for each channel
			n.version = 12
		}
	case w.depthwise(o):
		weights.axis = 3
		multiplier := int32(w.model.Tensors[o.Output].Channels / w.model.Tensors[in].Channels)
		n.code, n.table = opDepthwise, 2
		n.options = append(strides, field{3, multiplier, false}, field{4, activation, true}, field{5, apart[1], false}, field{6, apart[0], false})
	default:
		n.code, n.table = opConv2D, 1
		n.options = append(strides, field{3, activation, true}, field{4, apart[1], false}, field{5, apart[0], false})
	}
	n.in = []int32{x, w.constant(weights), bias}
	w.node(n)
}

// logits lowers the last layer, in floating point.
func (w *writer) logits(o *qmodel.Operator) agreement.Statement {
	if !o.Weighted() && !o.Averages() || len(o.Inputs) > 1 {
		return refused("logits that are neither a layer of one input nor an average; end the network with a linear layer")
	}
	values, err := w.weightsOf(o)
	if err != nil {
		return refused("%v", err)
	}
	in, r := o.Inputs[0], o.Requantizer
	x := &w.model.Tensors[in]
	channels := r.Channels()
	each := len(values) / channels
	real, bias := make([]float32, len(values)), make([]float32, channels)
	scale := float64(w.scale(o.Output))
	gain := 1.
	if x.Signs {
		gain = 2
	}
	for c, constant := range constants(r) {
		multiplier, _ := dyadic(big.NewInt(r.M[0][c]), r.Shift[c]).Float64()
		var sum int64
		for i, v := range values[c*each:][:each] {
			real[c*each+i] = float32(float64(v) * multiplier * scale * gain / float64(w.scale(in)))
			sum += int64(v)
		}
		b, _ := constant.Float64()
		if x.Signs {
			b -= float64(sum) * multiplier
		}
		b += float64(w.recentred(o, values[c*each:][:each], c, channels)) * multiplier
		bias[c] = float32(b * scale)
	}
	ordered, shape := order(w, o, real)
	b := w.constant(tensor{name: o.Name + "_bias", shape: []int32{int32(channels)}, kind: typeFloat32, data: floatBytes(bias)})
	y := w.file.add(tensor{name: "logits", shape: w.shape(o), kind: typeFloat32})
	w.weigh(o, tensor{name: o.Name + "_weights", shape: shape, kind: typeFloat32, data: floatBytes(ordered)}, b, y, activationNone, 1, true)
	if image := y; len(w.file.tensors[image].shape) > 2 {
		w.file.tensors[image].name = o.Name + "_image"
		y = w.file.add(tensor{name: "logits", shape: []int32{1, int32(channels)}, kind: typeFloat32})
		w.node(node{code: opReshape, version: 1, in: []int32{image, w.sizes("shape", []int32{-1, int32(channels)})}, out: []int32{y}, table: 17})
	}
	w.file.out = y
	return agreement.Statement{Agreement: agreement.Float, Note: "the last layer, so that logits have no ties"}
}
