// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"cmp"
	"context"
	"slices"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/pipeline"
	"github.com/goqat/goqat/ptq"
	"github.com/goqat/goqat/train"
)

// A Subject is a network to be examined, with its quantizers and their ranges, and images:
// Calibration and Validation.
type Subject struct {
	Network *layers.Network
	Images  *pipeline.Images
	Commands
}

// An examination is under way.
type examination struct {
	Subject
	ctx    context.Context
	report *Report
	loss   float64 // of the quantized network on the validation images
	float  train.Result
	seen   map[string]*channels // by tensor
	on     func(stage string, done, all int)
}

// checks are all that is looked for, in the order in which the findings count: a cause
// comes before what it causes.
var checks = []struct {
	name string
	look func(*examination) ([]Finding, error)
}{
	{"images", (*examination).images},
	{"weights", (*examination).weights},
	{"input", (*examination).input},
	{"channels", (*examination).channels},
	{"batch normalization", (*examination).norms},
	{"ranges", (*examination).ranges},
	{"sums", (*examination).sums},
	{"layers", (*examination).layers},
	{"classes", (*examination).classes},
	{"float network", (*examination).untrained},
}

// Examine looks for everything that may be wrong with a network. on, if not nil, is told
// how much of every stage is done. The network is left as it was.
func Examine(ctx context.Context, s Subject, on func(stage string, done, all int)) (*Report, error) {
	if on == nil {
		on = func(string, int, int) {}
	}
	e := &examination{Subject: s, ctx: ctx, report: &Report{Findings: []Finding{}}, on: on}
	if finite := e.notFinite(); len(finite) > 0 { // nothing else can be measured
		e.report.Findings = finite
		return e.conclude(), nil
	}
	if err := e.accuracies(); err != nil {
		return nil, err
	}
	for i, c := range checks {
		found, err := c.look(e)
		if err != nil {
			return nil, err
		}
		e.report.Findings = append(e.report.Findings, found...)
		on("checks", i+1, len(checks))
	}
	return e.conclude(), nil
}

// conclude says what to do next.
func (e *examination) conclude() *Report {
	e.report.Next = e.Evaluate()
	if len(e.report.Findings) > 0 {
		e.report.Next = e.report.Findings[0].Do
	}
	return e.report
}

// accuracies measures in AIMET's order.
func (e *examination) accuracies() error {
	weights := map[string]bool{}
	for _, u := range e.Network.Units {
		if u.Kind.Weighted() {
			weights[u.Weight.Name] = true
		}
	}
	a := &e.report.Accuracy
	for i, m := range []struct {
		accuracy *float64
		pass     graph.Pass
	}{
		{&a.Float, graph.Pass{}},
		{&a.Weights, graph.Pass{Quantize: true, Float: func(name string) bool { return !weights[name] }}},
		{&a.Activations, graph.Pass{Quantize: true, Float: func(name string) bool { return weights[name] }}},
		{&a.Quantized, graph.Pass{Quantize: true}},
	} {
		r, err := e.evaluate(m.pass)
		if err != nil {
			return err
		}
		*m.accuracy, e.loss = r.Accuracy, r.Loss
		if i == 0 {
			e.float = r
		}
		e.on("accuracies", i+1, 4)
	}
	e.report.Images = e.float.Images
	e.report.StandardError = train.StandardError(a.Float, e.float.Images)
	return nil
}

func (e *examination) evaluate(p graph.Pass) (train.Result, error) {
	return train.Evaluate(e.ctx, e.Network, p, e.Images.Validation, nil)
}

// lost says whether quantization costs more than is usual, and more than chance.
func (e *examination) lost() bool {
	a := e.report.Accuracy
	return a.Float-a.Quantized > max(usualLoss, 3*e.report.StandardError)
}

// usualLoss is the accuracy that quantization may cost without a finding.
const usualLoss = 0.03

// layers measures each layer's own quantization, and names the one that costs most if
// the network loses more than is usual.
func (e *examination) layers() ([]Finding, error) {
	n, r := e.Network, e.report
	want, err := ptq.Logits(e.ctx, n, e.Images.Validation, graph.Pass{})
	if err != nil {
		return nil, err
	}
	r.Layers = ptq.Layers(n)
	for i, l := range r.Layers {
		if r.Layers[i], err = ptq.Measure(e.ctx, n, e.Images.Validation, l, want); err != nil {
			return nil, err
		}
		e.on("layers", i+1, len(r.Layers))
	}
	slices.SortStableFunc(r.Layers, func(a, b ptq.Sensitivity) int { return cmp.Compare(a.SNRdB, b.SNRdB) })
	if !e.lost() {
		return nil, nil
	}
	return e.worst(), nil
}
