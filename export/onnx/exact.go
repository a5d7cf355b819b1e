// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"fmt"

	"github.com/goqat/goqat/export/agreement"
	"github.com/goqat/goqat/internal/onnxproto"
	"github.com/goqat/goqat/qmodel"
)

const exactDoc = `The integers of goqat, bit for bit, in every runtime that computes float32 as float32 and float64 as float64, such as ONNX ` +
	`Runtime's CPU provider: every sum is one of integers that the type holds, and only Round rounds. Runtimes that ` +
	`compute float64 in float32, as OpenVINO does, give codes that differ, rarely, by one. ` +
	`The image is UINT8 as decoded; the greatest logit is the class.`

// Exact returns the model as an ONNX file that computes its integers, every tensor of them: the codes are UINT8, the
// logits INT32. What it states of each operator is the proof that no operation but Round rounds; it refuses a model for
// which there is none.
//
// Opset 13 is enough: Cast, Sub, Conv and Gemm sum integers in float32, every partial sum of them below 2^24; Cast, Mul
// and Add bring the terms to the step of the output in float64, every one a multiple of 2^-shift below 2^(53-shift);
// Round, to nearest and ties to even by ONNX's definition, Clip and Cast make codes of that.
func Exact(m *qmodel.Model, o Options) (*onnxproto.Model, []agreement.Statement, error) {
	e := newExact(m, o)
	statements := lower(m, e.operator)
	if err := agreement.Refused("onnx-exact", statements); err != nil {
		return nil, statements, err
	}
	return e.finish(o, exactDoc, onnxproto.TypeInt32), statements, nil
}

// An exact lowers a model to operators that compute its integers.
type exact struct {
	*builder
	pack  bool
	reals map[real]string // the inputs that are there in float32
	raw   map[int]total   // the tensors of accumulators, in terms of what makes them
	sums  sums            // how wide the sums of the current operator are
}

func newExact(m *qmodel.Model, o Options) *exact {
	return &exact{builder: newBuilder(m), pack: o.Pack, reals: map[real]string{}, raw: map[int]total{}}
}

// operator lowers one operator.
func (e *exact) operator(o *qmodel.Operator) agreement.Statement {
	e.start(o)
	e.sums = sums{}
	var err error
	switch {
	case o.Maximizes():
		e.maxPool(o)
	case o.Table != nil:
		e.table(o)
	case e.rearranges(o):
	default:
		err = e.sum(o)
	}
	if err != nil {
		return agreement.Statement{Agreement: agreement.None, Note: err.Error()}
	}
	return agreement.Statement{Agreement: agreement.Exact, Note: e.sums.String()}
}

// sum lowers an operator that sums terms.
func (e *exact) sum(o *qmodel.Operator) error {
	out := &e.model.Tensors[o.Output]
	flat := o.Vector() || !o.Weighted() && !o.Averages() && e.values[o.Inputs[0]].flat
	if o.Thresholds != nil && e.onePart(o) {
		return e.compareOne(o, flat)
	}
	terms, err := e.terms(o, flat)
	if err != nil {
		return err
	}
	switch {
	case out.Kind == qmodel.Accumulators:
		return e.accumulators(o, terms[0], flat)
	case o.Thresholds != nil:
		return e.compare(o, terms, flat)
	default:
		return e.requantize(o, terms, flat)
	}
}

// sums are the widest sums of an operator, in bits.
type sums struct{ float32, float64 int }

// String is the proof that nothing is rounded.
func (s sums) String() string {
	switch {
	case s.float32 == 0 && s.float64 == 0:
		return ""
	case s.float32 == 0:
		return fmt.Sprintf("%d of 53 bits in float64", s.float64)
	case s.float64 == 0:
		return fmt.Sprintf("sums of %d of 24 bits in float32", s.float32)
	}
	return fmt.Sprintf("sums of %d of 24 bits in float32, %d of 53 in float64", s.float32, s.float64)
}
