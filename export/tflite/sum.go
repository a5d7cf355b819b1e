// SPDX-License-Identifier: Apache-2.0

package tflite

import (
	"fmt"
	"math"
	"math/big"

	"github.com/goqat/goqat/export/agreement"
	"github.com/goqat/goqat/infer"
	"github.com/goqat/goqat/qmodel"
)

// A span is the least and the greatest of real numbers.
type span struct{ least, most float64 }

// sum lowers a residual sum: each term becomes a tensor of int8, if it is none, and two are added.
func (w *writer) sum(o *qmodel.Operator, lo int32) agreement.Statement {
	r := o.Requantizer
	own := 0
	others := o.Inputs
	if o.Weighted() {
		own, others = 1, o.Inputs[1:]
	}
	switch {
	case r == nil:
		return refused("a comparison of several terms; TFLite adds codes and nothing else")
	case own+len(others) != 2 || r.Terms() != 2:
		return refused("%d terms; TFLite adds two", r.Terms())
	case w.ranges == nil && (own > 0 || w.pending[others[0]] != nil || w.pending[others[1]] != nil):
		return refused("what it adds must be quantized in a range that images tell; give some")
	}
	var terms []int32
	bias := constants(r)
	if own > 0 {
		y, err := w.branch(o, o.Output, 0, r.M[0], r.Shift, bias)
		if err != nil {
			return refused("%v", err)
		}
		terms, bias = append(terms, y), nil
	}
	for k, i := range others {
		if p := w.pending[i]; p != nil {
			y, err := w.branch(p, o.Output, own+k, r.M[own+k], r.Shift, bias)
			if err != nil {
				return refused("%v", err)
			}
			terms, bias = append(terms, y), nil
			continue
		}
		if err := w.plainTerm(o, own+k, i); err != nil {
			return refused("%v", err)
		}
		terms = append(terms, w.input(i, false))
	}
	for c, b := range bias { // of no branch
		if b.Sign() != 0 {
			return refused("channel %d: a constant beside the terms; TFLite adds codes and nothing else", c)
		}
	}
	w.finish(o, lo, shapeOf(&w.model.Tensors[o.Output]), true, func(y, activation int32) {
		w.node(node{code: opAdd, version: 2, in: terms, out: []int32{y}, table: 11, options: []field{{0, activation, true}}})
	})
	return agreement.Statement{Agreement: agreement.Step, Note: "more than one step: what is added is rounded to 8 bits before"}
}

// plainTerm refuses a term of codes whose multiplier is not the ratio of the scales.
func (w *writer) plainTerm(o *qmodel.Operator, term, i int) error {
	t, r := &w.model.Tensors[i], o.Requantizer
	if t.Kind != qmodel.Codes {
		return fmt.Errorf("the term %s are accumulators of an operator that is added twice", t.Name)
	}
	want := float64(w.scale(i)) / float64(w.scale(o.Output))
	for c, m := range r.M[term] {
		got := math.Ldexp(float64(m), -int(r.Shift[c]))
		if math.Abs(got-want) > 1e-5*want {
			return fmt.Errorf("channel %d: the term %s has the multiplier %g, where the scales say %g", c, t.Name, got, want)
		}
	}
	return nil
}

// branch adds the layer of an operator with int8 as output, in the range of its term of the sum out.
func (w *writer) branch(p *qmodel.Operator, out, term int, m []int64, shift []uint8, bias []*big.Rat) (int32, error) {
	s := w.ranges[out][term]
	scale := float32((s.most - s.least) / 255)
	zero := math.RoundToEven(-s.least/float64(scale)) - 128
	y := float64(w.scale(out))
	// In steps of the branch: constants and multipliers times y / scale.
	ratio := y / float64(scale)
	scaled := make([]*big.Rat, len(m))
	for c := range m {
		scaled[c] = new(big.Rat)
		if bias != nil {
			scaled[c].Mul(bias[c], new(big.Rat).SetFloat64(ratio))
		}
	}
	multipliers, shifts := make([]int64, len(m)), make([]uint8, len(m))
	for c := range m {
		f, exponent := math.Frexp(math.Ldexp(float64(m[c]), -int(shift[c])) * ratio)
		multipliers[c], shifts[c] = int64(math.RoundToEven(math.Ldexp(f, 30))), uint8(min(max(0, 30-exponent), 62))
		if 30-exponent < 0 || 30-exponent > 62 {
			return 0, fmt.Errorf("channel %d: the multiplier 2^%d is out of what TFLite has", c, exponent)
		}
	}
	l, err := w.layer(p, multipliers, shifts, scale, scaled)
	if err != nil {
		return 0, err
	}
	shape := shapeOf(&w.model.Tensors[out])
	to := w.file.add(tensor{name: fmt.Sprintf("%s_branch_%d", p.Name, len(w.file.tensors)), shape: shape, kind: typeInt8, scale: []float32{scale}, zero: []int64{int64(zero)}})
	if p.Vector() {
		flat := w.file.add(tensor{name: fmt.Sprintf("%s_row_%d", p.Name, len(w.file.tensors)), shape: []int32{1, shape[3]}, kind: typeInt8, scale: []float32{scale}, zero: []int64{int64(zero)}})
		w.emit(p, l, flat, activationNone)
		w.node(node{code: opReshape, version: 1, in: []int32{flat, w.constant(tensor{name: "shape", shape: []int32{4}, kind: typeInt32, data: bytesOf([]int32{-1, shape[1], shape[2], shape[3]})})},
			out: []int32{to}, table: 17})
		return to, nil
	}
	w.emit(p, l, to, activationNone)
	return to, nil
}

// addedRanges runs images through a model and returns the ranges, in real numbers, of the terms of sums, by the tensor that
// a sum makes.
func addedRanges(m *qmodel.Model, images []byte) (map[int][]span, error) {
	apart, origin := splitSums(m)
	model, err := infer.New(apart)
	if err != nil {
		return nil, err
	}
	type place struct{ sum, term int }
	reads := map[int][]place{} // by tensor of accumulators
	ranges := map[int][]span{}
	for i := range apart.Operators {
		o := &apart.Operators[i]
		if o.Weighted() || len(o.Inputs) < 2 || o.Requantizer == nil {
			continue
		}
		ranges[origin[o.Output]] = make([]span, len(o.Inputs))
		for k, in := range o.Inputs {
			if apart.Tensors[in].Kind == qmodel.Accumulators {
				reads[in] = append(reads[in], place{i, k})
			}
		}
	}
	r, err := model.NewRunner(infer.Options{Batch: 1, Work: model.Work(), Observe: func(seen infer.Observation) {
		for _, p := range reads[seen.Tensor] {
			o := &apart.Operators[p.sum]
			out := &apart.Tensors[o.Output]
			scale := float64(math.Float32frombits(out.ScaleBits))
			s := &ranges[origin[o.Output]][p.term]
			for i, v := range seen.Wide {
				c := i % out.Channels
				sum := float64(v) * float64(o.Requantizer.M[p.term][c])
				if p.term == 0 {
					sum += float64(o.Requantizer.Bias[c])
				}
				y := math.Ldexp(sum, -int(o.Requantizer.Shift[c])) * scale
				s.least, s.most = min(s.least, y), max(s.most, y)
			}
		}
	}})
	if err != nil {
		return nil, err
	}
	defer r.Close()
	logits := make([]int32, len(m.Classes))
	size := m.Tensors[0].Len()
	for at := 0; at+size <= len(images); at += size {
		if err := r.Run(logits, images[at:at+size]); err != nil {
			return nil, err
		}
	}
	for _, spans := range ranges {
		for k := range spans {
			if s := &spans[k]; s.most-s.least < 1e-20 {
				s.most = s.least + 1
			}
		}
	}
	return ranges, nil
}

// splitSums returns the model with each weighted operator of several inputs as two, one that makes accumulators and one
// that adds, and which tensor of the model each tensor of that is, -1 for new ones.
func splitSums(m *qmodel.Model) (*qmodel.Model, []int) {
	apart := *m
	apart.Tensors = append([]qmodel.Tensor(nil), m.Tensors...)
	apart.Operators = nil
	origin := make([]int, len(m.Tensors))
	for i := range origin {
		origin[i] = i
	}
	for _, o := range m.Operators {
		if !o.Weighted() || len(o.Inputs) < 2 || o.Requantizer == nil || m.Accumulators(&o) != 1 {
			apart.Operators = append(apart.Operators, o)
			continue
		}
		t := m.Tensors[o.Output]
		accumulators := len(apart.Tensors)
		apart.Tensors = append(apart.Tensors, qmodel.Tensor{Name: fmt.Sprintf("%s_accumulators_%d", t.Name, accumulators), Height: t.Height, Width: t.Width, Channels: t.Channels,
			Kind: qmodel.Accumulators, Bits: 32})
		origin = append(origin, -1)
		weigh, add := o, qmodel.Operator{Name: fmt.Sprintf("%s_add_%d", o.Name, accumulators), Op: qmodel.Add, Inputs: append([]int{accumulators}, o.Inputs[1:]...), Output: o.Output, Requantizer: o.Requantizer}
		weigh.Inputs, weigh.Output, weigh.Requantizer = o.Inputs[:1], accumulators, nil
		apart.Operators = append(apart.Operators, weigh, add)
	}
	return &apart, origin
}
