// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"math"
	"math/big"

	"github.com/goqat/goqat/internal/onnxproto"
	"github.com/goqat/goqat/qmodel"
)

// added is the term of codes that are added, in real numbers. Where the multipliers are those of the scales of the two
// tensors, as goqat writes them, it is what the codes stand for.
func (q *qdq) added(in int, m []int64, shift []uint8, out int, flat bool) string {
	t := &q.model.Tensors[in]
	expected := float64(q.realScale(in)) / float64(q.realScale(out))
	q.terms.scale(q.realScale(in), q.realScale(out))
	for c := range m {
		q.terms.add(c, steps(m[c], shift[c]), mostAbs(t), nil)
	}
	return q.scaled(q.dequantize(in, flat), m, shift, expected, flat)
}

// average is the term of an average pooling, in real numbers.
func (q *qdq) average(o *qmodel.Operator) string {
	x := &q.model.Tensors[o.Inputs[0]]
	w := o.Window()
	n := int64(w.Whole(x.Height, x.Width, o.CountPad))
	var y string
	switch {
	case o.Kernel == [2]int{x.Height, x.Width} && !w.Padded():
		y = q.node("GlobalAveragePool", []string{q.dequantize(o.Inputs[0], false)})
	case o.CountPad && x.ZeroPoints == nil && x.ZeroPoint != 0:
		// OpenVINO averages codes, with padding of code 0: findings/openvino-average-pool-padding.sh.
		bare := *o
		bare.Pad, bare.CountPad = [4]int{}, false
		y = q.node("AveragePool", []string{q.real(o.Inputs[0], q.padded(o))}, averageWindow(&bare)...)
	default:
		y = q.node("AveragePool", []string{q.dequantize(o.Inputs[0], false)}, averageWindow(o)...)
	}
	r := o.Requantizer
	q.terms.scale(q.realScale(o.Inputs[0]), q.realScale(o.Output), float32(n))
	for c := range r.Shift {
		q.terms.add(c, steps(r.M[0][c], r.Shift[c]), n*mostAbs(x), nil)
	}
	return q.scaled(y, r.M[0], r.Shift, float64(q.realScale(o.Inputs[0]))/(float64(q.realScale(o.Output))*float64(n)), false)
}

// multiplied is the term of a product of two tensors, in real numbers.
func (q *qdq) multiplied(o *qmodel.Operator, flat bool) string {
	x, y := &q.model.Tensors[o.Inputs[0]], &q.model.Tensors[o.Inputs[1]]
	r, scales := o.Requantizer, [3]float32{q.realScale(o.Inputs[0]), q.realScale(o.Inputs[1]), q.realScale(o.Output)}
	q.terms.scale(scales[:]...)
	for c := range r.Shift {
		q.terms.add(c, steps(r.M[0][c], r.Shift[c]), mostAbs(x)*mostAbs(y), nil)
	}
	product := q.node("Mul", []string{q.dequantize(o.Inputs[0], flat), q.dequantize(o.Inputs[1], flat)})
	return q.scaled(product, r.M[0], r.Shift, float64(scales[0])*float64(scales[1])/float64(scales[2]), flat)
}

// padded returns the codes that an operator reads with its padding around them.
func (q *qdq) padded(o *qmodel.Operator) string {
	top, left, bottom, right := int64(o.Pad[0]), int64(o.Pad[1]), int64(o.Pad[2]), int64(o.Pad[3])
	return q.node("Pad", []string{q.image(o.Inputs[0]), q.int64s("pads", 0, 0, top, left, 0, 0, bottom, right),
		q.byte8("zero_point", q.model.Tensors[o.Inputs[0]].ZeroPoint)})
}

// averageWindow returns the attributes of an average, in which padding counts or does not.
func averageWindow(o *qmodel.Operator) []onnxproto.Attribute {
	list := window(o)
	if o.CountPad {
		list = append(list, integer("count_include_pad", 1))
	}
	return list
}

// scaled returns a real tensor whose multipliers were expected to be one number, times what they are else.
func (q *qdq) scaled(y string, m []int64, shift []uint8, expected float64, flat bool) string {
	factors, plain := make([]float32, len(m)), true
	for c := range m {
		f := math.Ldexp(float64(m[c]), -int(shift[c])) / expected
		factors[c] = float32(f)
		plain = plain && math.Abs(f-1) < 0x1p-20
	}
	if plain {
		return y
	}
	q.terms.rounds = true
	return q.node("Mul", []string{y, q.float32s("factor", broadcast(len(m), flat), factors...)})
}

// constant adds constants, in steps of tensor out, to a real tensor.
func (q *qdq) constant(y string, bias []*big.Rat, out int, flat bool) string {
	list, none := make([]float32, len(bias)), true
	for c, b := range bias {
		v, _ := b.Float64()
		list[c] = float32(v * float64(q.realScale(out)))
		none = none && v == 0
	}
	if none {
		return y
	}
	q.terms.rounds = true
	return q.node("Add", []string{y, q.float32s("bias", broadcast(len(bias), flat), list...)})
}

// maximum lowers a maximum pooling: of real numbers, which runtimes turn into one of codes, or, of several signs a code, of
// codes.
func (q *qdq) maximum(o *qmodel.Operator) {
	x := &q.model.Tensors[o.Inputs[0]]
	if x.Signs && x.Bits > 1 || x.ZeroPoints != nil { // the codes as they are
		q.maxPool(o)
		return
	}
	y := q.node("MaxPool", []string{q.dequantize(o.Inputs[0], false)}, window(o)...)
	q.node("QuantizeLinear", []string{y, q.float32s("scale", nil, q.realScale(o.Output)), q.byte8("zero_point", x.ZeroPoint)})
	q.output(o.Output, false)
}

// A dyadic is a sum of terms, by channel, that float32 may hold without rounding: all scales are powers of two.
type dyadic struct {
	rounds bool            // a scale is none, or a constant has a fraction
	sums   map[int]spanned // by channel
}

// spanned is a sum of multiples of least that stays up to most.
type spanned struct{ least, most float64 }

// scale notes the scales of tensors.
func (d *dyadic) scale(scales ...float32) {
	for _, s := range scales {
		fraction, _ := math.Frexp(float64(s))
		d.rounds = d.rounds || fraction != 0.5
	}
}

// add notes a term of channel c: its step, a bound of the integer that it multiplies, and a constant in such steps.
func (d *dyadic) add(c int, step float64, bound int64, constant *big.Rat) {
	if fraction, _ := math.Frexp(step); fraction != 0.5 || constant != nil && !constant.IsInt() {
		d.rounds = true
		return
	}
	most := float64(bound)
	if constant != nil {
		v, _ := constant.Float64()
		most += math.Abs(v)
	}
	s := d.sums[c]
	if s.least == 0 || step < s.least {
		s.least = step
	}
	s.most += step * most
	d.sums[c] = s
}

// exact says whether no sum rounds.
func (d *dyadic) exact() bool {
	for _, s := range d.sums {
		if s.most >= s.least*maxFloat32 {
			return false
		}
	}
	return !d.rounds
}
