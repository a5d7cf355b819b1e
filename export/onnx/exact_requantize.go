// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"fmt"
	"math"
	"slices"

	"github.com/goqat/goqat/fixed"
	"github.com/goqat/goqat/internal/onnxproto"
	"github.com/goqat/goqat/qmodel"
)

// A scaled sum is Σ value·weight + constant, in multiples of 2^-shift, by channel.
type scaled struct {
	values   []string
	weights  [][]int64 // by value
	bounds   [][]int64 // of the values
	constant []int64
	shift    []uint8
}

// scale returns Σ mᵢ·termᵢ + constant.
func scale(terms []total, m [][]int64, constant []int64, shift []uint8) scaled {
	s := scaled{constant: append([]int64(nil), constant...), shift: shift}
	for i, t := range terms {
		for _, p := range t.parts {
			weights := make([]int64, len(shift))
			for c := range weights {
				if p.bound[c] != 0 { // else the value is 0, and m without a bound
					weights[c] = product(m[i][c], p.factor)
				}
			}
			s.values, s.weights, s.bounds = append(s.values, p.value), append(s.weights, weights), append(s.bounds, p.bound)
		}
		for c, offset := range t.offset {
			s.constant[c] += offset * m[i][c] // part of a sum that the model proves to be below 2^62
		}
	}
	return s
}

// product returns m·factor, for a factor of at most 2^8, or a number that no sum in float64 can have.
func product(m, factor int64) int64 {
	if m >= maxFloat64 || m <= -maxFloat64 {
		return fixed.MaxSum
	}
	return m * factor
}

// bits proves that no operation on the sum in float64 rounds: a channel's weights, values, products and all partial
// sums are multiples of 2^-shift, and |Σ| < 2^(53-shift). It returns the bits of the widest sum.
func (s *scaled) bits() (int, error) {
	var sums []int64
	m, bounds := make([]int64, len(s.values)), make([]int64, len(s.values))
	for c := range s.shift {
		for i := range m {
			m[i], bounds[i] = s.weights[i][c], s.bounds[i][c]
		}
		sum, ok := fixed.SumBound(m, bounds, s.constant[c])
		if !ok || sum >= maxFloat64 {
			return 0, fmt.Errorf("channel %d: its sum can reach 2^53, beyond which float64 does not hold every integer", c)
		}
		sums = append(sums, sum)
	}
	return widest(sums), nil
}

// emit adds the sum to the graph, in float64.
func (e *exact) emit(s *scaled, flat bool) string {
	dims := broadcast(len(s.shift), flat)
	at := func(v []int64) []float64 {
		list := make([]float64, len(v))
		for c := range v {
			list[c] = math.Ldexp(float64(v[c]), -int(s.shift[c]))
		}
		return list
	}
	var y string
	for i, value := range s.values {
		term := e.node("Mul", []string{e.cast(value, onnxproto.TypeDouble), e.float64s("multiplier", dims, at(s.weights[i])...)})
		if y != "" {
			term = e.node("Add", []string{y, term})
		}
		y = term
	}
	if !zeros(s.constant) {
		y = e.node("Add", []string{y, e.float64s("bias", dims, at(s.constant)...)})
	}
	return y
}

// requantize lowers the requantization of terms to codes or logits.
func (e *exact) requantize(o *qmodel.Operator, terms []total, flat bool) error {
	r := o.Requantizer
	constant := make([]int64, r.Channels())
	for c := range constant {
		constant[c] = r.Constant(c)
	}
	s := scale(terms, r.M, constant, r.Shift)
	bits, err := s.bits()
	if err != nil {
		return err
	}
	zero := r.Zero
	if moved, wide, ok := s.plus(zero); ok {
		s, bits, zero = moved, wide, 0
	}
	e.sums.float64 = bits
	y := e.node("Round", []string{e.emit(&s, flat)})
	lo, hi := float64(r.Lo-zero), float64(r.Hi-zero)
	kind := onnxproto.TypeUint8
	if e.model.Tensors[o.Output].Kind == qmodel.Logits {
		kind = onnxproto.TypeInt32
	}
	if kind == onnxproto.TypeUint8 || bits > 30+int(slices.Min(s.shift)) {
		y = e.node("Clip", []string{y, e.float64s("least", nil, lo), e.float64s("most", nil, hi)})
	}
	if zero != 0 {
		y = e.node("Add", []string{y, e.float64s("zero_point", nil, float64(zero))})
	}
	e.cast(y, kind)
	e.output(o.Output, flat)
	return nil
}

// plus returns the sum with a zero point added before it is rounded, which is the same as after it where the zero point is
// even: a tie keeps its side.
func (s *scaled) plus(zero int32) (scaled, int, bool) {
	if zero%2 != 0 {
		return scaled{}, 0, false
	}
	moved := *s
	moved.constant = append([]int64(nil), s.constant...)
	for c, shift := range s.shift {
		if shift > 44 { // zero·2^shift is far from 2^53
			return scaled{}, 0, false
		}
		moved.constant[c] += int64(zero) << shift
	}
	bits, err := moved.bits()
	return moved, bits, err == nil
}

// accumulators lowers an operator that leaves its accumulators as they are.
func (e *exact) accumulators(o *qmodel.Operator, acc total, flat bool) error {
	channels := e.model.Tensors[o.Output].Channels
	ones, none := make([][]int64, 1), make([]int64, channels)
	ones[0] = repeat(1, channels)
	s := scale([]total{acc}, ones, none, make([]uint8, channels))
	if len(acc.parts) > 1 || !zeros(s.constant) || acc.parts[0].factor != 1 {
		bits, err := s.bits()
		if err != nil {
			return err
		}
		e.sums.float64 = bits
		e.emit(&s, flat)
	}
	e.output(o.Output, flat)
	bound := make([]int64, channels)
	for c := range bound {
		m, bounds := []int64{}, []int64{}
		for i := range s.values {
			m, bounds = append(m, s.weights[i][c]), append(bounds, s.bounds[i][c])
		}
		bound[c], _ = fixed.SumBound(m, bounds, s.constant[c])
	}
	e.raw[o.Output] = total{parts: []part{{factor: 1, bound: bound}}}
	return nil
}

func zeros(list []int64) bool {
	for _, v := range list {
		if v != 0 {
			return false
		}
	}
	return true
}
