// SPDX-License-Identifier: Apache-2.0

package report

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/goqat/goqat/chart"
	"github.com/goqat/goqat/layers"
)

// ranges shows what quantization makes of weights and activations, layer by layer.
type ranges struct {
	Rows   []rangeRow
	Images int // of which the activations are, 0 for none
	All    int // layers that could be shown
}

type rangeRow struct {
	Name    string
	Facts   []string
	Figures []figure
}

// mostRanges bounds the size of the page.
const mostRanges = 64

// ranges returns the histograms and the ranges over the epochs, nil where there is
// neither a network nor a model.
func (s *Subject) ranges(ctx context.Context) (*ranges, error) {
	switch {
	case s.Evidence != nil && s.Evidence.Network != nil:
		return s.networkRanges(ctx)
	case s.Model != nil:
		return s.modelRanges()
	}
	return nil, nil
}

func (s *Subject) networkRanges(ctx context.Context) (*ranges, error) {
	e := (*evidence)(s.Evidence)
	s.begin(len(e.rounded()), len(e.Network.Units))
	tensors, images, err := e.activations(ctx, s.step)
	if err != nil {
		return nil, err
	}
	r := &ranges{Images: images}
	for _, u := range e.Network.Units {
		s.step()
		row := rangeRow{Name: short(u.Name)}
		var charts []*chart.Chart
		if u.Kind.Weighted() {
			d := weightsOf(u, s.Evidence.Quantized)
			charts, row.Facts = append(charts, d.chart("Weights of "+u.Name)), append(row.Facts, "weights: "+d.facts())
		}
		if d := tensors[u.Output.Name]; d != nil {
			charts, row.Facts = append(charts, d.chart("Activations of "+u.Name)), append(row.Facts, "activations: "+d.facts())
		}
		if c, facts := s.rangeOverEpochs(u.Output); c != nil {
			charts, row.Facts = append(charts, c), append(row.Facts, facts)
		}
		if err := r.add(row, charts); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// add adds a row, unless there is nothing to show in it or there are enough.
func (r *ranges) add(row rangeRow, charts []*chart.Chart) error {
	if len(charts) == 0 {
		return nil
	}
	r.All++
	if len(r.Rows) == mostRanges {
		return nil
	}
	for _, c := range charts {
		f, err := draw(c)
		if err != nil {
			return err
		}
		row.Figures = append(row.Figures, f)
	}
	r.Rows = append(r.Rows, row)
	return nil
}

// rangeOverEpochs shows the scale and what is learned of a tensor in every epoch of the
// quantized phase, relative to the first, with a sentence that has the numbers; nil
// where the run has none.
func (s *Subject) rangeOverEpochs(t *layers.Tensor) (*chart.Chart, string) {
	if s.Record == nil {
		return nil, ""
	}
	line := newTimeline(s.Record)
	series := map[string][]chart.Point{}
	for i := range s.Record.Epochs {
		e := &s.Record.Epochs[i]
		if scale, ok := e.Scales[t.Name]; ok {
			series["scale"] = append(series["scale"], chart.Point{X: line.at(e), Y: scale})
		}
		for name, v := range e.Clips {
			if what, ok := strings.CutPrefix(name, t.Name+"."); ok {
				series[what] = append(series[what], chart.Point{X: line.at(e), Y: v})
			}
		}
	}
	if len(series) == 0 {
		return nil, ""
	}
	names := slices.Sorted(maps.Keys(series))
	c := &chart.Chart{Title: fmt.Sprintf("Over the epochs, %% of the first: %s of %s", strings.Join(names, ", "), t.Name), X: chart.Axis{Label: "epoch", Whole: true}, Height: histogramHeight}
	inks := []chart.Ink{chart.Orange, chart.Purple, chart.Red}
	var facts []string
	for i, name := range names {
		points := series[name]
		facts = append(facts, fmt.Sprintf("%s %.4g to %.4g", name, points[0].Y, points[len(points)-1].Y))
		if points[0].Y == 0 { // nothing is relative to it
			continue
		}
		l := chart.Line{Name: name, Ink: inks[i%len(inks)], Dashed: true, Points: relative(points)}
		if name == "scale" {
			l.Ink, l.Dashed = chart.Blue, false
			c.Marks = slices.Insert(c.Marks, 0, chart.Mark(l))
			continue
		}
		c.Marks = append(c.Marks, l)
	}
	return c, "over the epochs: " + strings.Join(facts, ", ")
}

// relative are values in percent of the first.
func relative(points []chart.Point) []chart.Point {
	list := make([]chart.Point, len(points))
	for i, p := range points {
		list[i] = chart.Point{X: p.X, Y: 100 * p.Y / points[0].Y}
	}
	return list
}
