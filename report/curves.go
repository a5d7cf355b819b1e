// SPDX-License-Identifier: Apache-2.0

package report

import (
	"github.com/goqat/goqat/chart"
	"github.com/goqat/goqat/pipeline"
)

// timeline are the epochs of a run on one axis: those of the quantized phase after
// those of the float phase, each at its end.
type timeline struct {
	record *pipeline.Record
	floats int // epochs of the float phase
}

func newTimeline(r *pipeline.Record) timeline {
	t := timeline{record: r}
	for _, e := range r.Epochs {
		if e.Phase != "qat" {
			t.floats = max(t.floats, e.Epoch)
		}
	}
	return t
}

// at returns the place of an epoch.
func (t timeline) at(e *pipeline.Epoch) float64 {
	if e.Phase == "qat" {
		return float64(t.floats + e.Epoch)
	}
	return float64(e.Epoch)
}

// line are the values of one phase.
func (t timeline) line(phase string, value func(*pipeline.Epoch) float64) (points []chart.Point) {
	for i := range t.record.Epochs {
		if e := &t.record.Epochs[i]; e.Phase == phase {
			points = append(points, chart.Point{X: t.at(e), Y: value(e)})
		}
	}
	return points
}

// both are the values of both phases, one after the other.
func (t timeline) both(value func(*pipeline.Epoch) float64) []chart.Point {
	return append(t.line("float", value), t.line("qat", value)...)
}

// rules mark where the quantized phase begins and what freezes in it.
func (t timeline) rules() (marks []chart.Mark) {
	if t.line("qat", func(*pipeline.Epoch) float64 { return 0 }) == nil {
		return nil
	}
	if t.floats > 0 {
		marks = append(marks, chart.Rule{Name: "quantized from here", Ink: chart.Muted, At: []float64{float64(t.floats) + 0.5}})
	}
	inks := []chart.Ink{chart.Green, chart.Purple, chart.Red}
	for i, c := range t.record.Changes() {
		marks = append(marks, chart.Rule{Name: c.What, Ink: inks[i%len(inks)], At: []float64{float64(t.floats+c.Epoch) + 0.5}})
	}
	return marks
}

// curves are the charts over the epochs of both phases.
func (s *Subject) curves() (figures []figure, err error) {
	if s.Record == nil || len(s.Record.Epochs) == 0 {
		return nil, nil
	}
	t := newTimeline(s.Record)
	axis := chart.Axis{Label: "epoch", Whole: true}
	percent := func(value func(*pipeline.Epoch) float64) func(*pipeline.Epoch) float64 {
		return func(e *pipeline.Epoch) float64 { return 100 * value(e) }
	}
	for _, c := range []*chart.Chart{
		{Title: "Loss on the training images", X: axis, Marks: append([]chart.Mark{
			chart.Line{Name: "float", Ink: chart.Blue, Points: t.line("float", func(e *pipeline.Epoch) float64 { return e.Loss })},
			chart.Line{Name: "quantized", Ink: chart.Orange, Points: t.line("qat", func(e *pipeline.Epoch) float64 { return e.Loss })}}, t.rules()...)},
		{Title: "Accuracy, %", X: axis, Marks: append([]chart.Mark{
			chart.Line{Name: "training images", Ink: chart.Blue, Points: t.both(percent(func(e *pipeline.Epoch) float64 { return e.Accuracy }))},
			chart.Line{Name: "validation images", Ink: chart.Orange, Points: t.both(percent(func(e *pipeline.Epoch) float64 { return e.Validation }))}}, t.rules()...)},
		{Title: "Learning rate", X: axis, Marks: append([]chart.Mark{
			chart.Line{Name: "float", Ink: chart.Blue, Points: t.line("float", func(e *pipeline.Epoch) float64 { return e.LearningRate })},
			chart.Line{Name: "quantized", Ink: chart.Orange, Points: t.line("qat", func(e *pipeline.Epoch) float64 { return e.LearningRate })}}, t.rules()...)},
	} {
		c.Height = curveHeight
		f, err := draw(c)
		if err != nil {
			return nil, err
		}
		figures = append(figures, f)
	}
	return figures, nil
}

// curveHeight leaves room for a legend of three lines.
const curveHeight = 250
