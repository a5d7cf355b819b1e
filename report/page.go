// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"os"
	"time"

	"github.com/goqat/goqat/benchmark"
	"github.com/goqat/goqat/chart"
	"github.com/goqat/goqat/describe"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/infer"
	"github.com/goqat/goqat/internal/atomicfile"
)

var (
	//go:embed page.html
	pageText string
	//go:embed style.css
	style string

	pageTemplate = template.Must(template.New("page").Parse(pageText))
)

// A page is what the template shows. Of parts that are nil, it says why they are.
type page struct {
	Style       template.CSS
	Title       string
	Subtitle    string
	Facts       []fact
	Accuracies  []accuracy
	Agreement   *agreement
	Curves      []figure
	Classes     *classes
	Confusion   *confusion
	Mistakes    *mistakes
	Layers      *layerTable
	Ranges      *ranges
	Repeat      *repeat
	Command     string
	Unseen      string // why there are no images, "" if there are
	Unfinished  bool   // the run has no summary
	Description string
}

// A fact is a number at the head of the page.
type fact struct{ Name, Value, Note string }

// A figure is a chart with its caption.
type figure struct {
	Caption string
	Chart   template.HTML
}

// draw makes a figure of a chart.
func draw(c *chart.Chart) (figure, error) {
	svg, err := c.Inline()
	return figure{c.Title, template.HTML(svg)}, err // its texts are escaped by chart
}

// WriteFile writes the page to a file, whole or not at all.
func (s *Subject) WriteFile(ctx context.Context, path string) error {
	return atomicfile.Write(path, func(f *os.File) error { return s.Write(ctx, f) })
}

// Write writes the page.
func (s *Subject) Write(ctx context.Context, w io.Writer) error {
	p, err := s.page(ctx)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, p); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	_, err = b.WriteTo(w)
	return err
}

// page gathers everything that the page shows.
func (s *Subject) page(ctx context.Context) (*page, error) {
	d, err := s.describe()
	if err != nil {
		return nil, err
	}
	p := &page{
		Style:   template.CSS(":root{color-scheme:light dark;" + chart.CSS(false) + "}@media (prefers-color-scheme:dark){:root{" + chart.CSS(true) + "}}\n" + style),
		Command: s.Command, Unseen: s.Unseen, Unfinished: s.Record != nil && s.Record.Summary == nil,
	}
	p.Title, p.Subtitle = s.title(d)
	p.Accuracies, p.Agreement, p.Repeat = s.accuracies(), s.agreement(), s.repeat()
	p.Facts = s.facts(d, p.Accuracies)
	p.Classes, p.Confusion = s.perClass(), s.confusion()
	if p.Mistakes, err = s.mistakes(); err != nil {
		return nil, err
	}
	if p.Curves, err = s.curves(); err != nil {
		return nil, err
	}
	if p.Layers, err = s.layers(ctx, d); err != nil {
		return nil, err
	}
	p.Ranges, err = s.ranges(ctx)
	return p, err
}

// describe describes the model, else the network, nil without either.
func (s *Subject) describe() (*describe.Description, error) {
	if s.Model != nil {
		return describe.Model(s.Model, "")
	}
	if s.Evidence != nil && s.Evidence.Network != nil {
		return describe.Network(s.Evidence.Network, graph.Pass{Quantize: s.Evidence.Quantized}), nil
	}
	return nil, nil
}

// times measures the layers of the model, briefly; nil without one.
func (s *Subject) times(ctx context.Context) ([]float64, error) {
	if s.Model == nil {
		return nil, nil
	}
	m, err := infer.New(s.Model)
	if err != nil {
		return nil, err
	}
	return benchmark.LayerTimes(ctx, m, 300*time.Millisecond)
}
