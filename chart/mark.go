// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// A Line joins points.
type Line struct {
	Name   string
	Ink    Ink
	Dashed bool
	Points []Point
}

func (l Line) plotters(keep func(Point) bool) ([]plot.Plotter, error) {
	points := kept(l.Points, keep)
	if len(points) == 0 {
		return nil, nil
	}
	line := &plotter.Line{XYs: points, LineStyle: l.style()}
	if len(points) > 1 {
		return []plot.Plotter{line}, nil
	}
	dot := &plotter.Scatter{XYs: points, GlyphStyle: draw.GlyphStyle{Color: l.Ink, Radius: 2, Shape: draw.CircleGlyph{}}}
	return []plot.Plotter{dot}, nil
}

func (l Line) style() draw.LineStyle { return stroke(l.Ink, 1.6, l.Dashed) }

func (l Line) legend() (string, plot.Thumbnailer) { return l.Name, &plotter.Line{LineStyle: l.style()} }

// A Histogram is a height over each interval between neighbouring edges, filled or as
// an outline.
type Histogram struct {
	Name    string
	Ink     Ink
	Filled  bool
	Edges   []float64 // one more than heights
	Heights []float64
}

func (h Histogram) plotters(func(Point) bool) ([]plot.Plotter, error) {
	if len(h.Heights) == 0 {
		return nil, nil
	}
	outline := plotter.XYs{{X: h.Edges[0]}}
	for i, y := range h.Heights {
		outline = append(outline, plotter.XY{X: h.Edges[i], Y: y}, plotter.XY{X: h.Edges[i+1], Y: y})
	}
	outline = append(outline, plotter.XY{X: h.Edges[len(h.Edges)-1]})
	if h.Filled {
		return []plot.Plotter{&plotter.Polygon{XYs: []plotter.XYs{outline}, Color: h.Ink}}, nil
	}
	return []plot.Plotter{&plotter.Line{XYs: outline, LineStyle: stroke(h.Ink, 1.3, false)}}, nil
}

func (h Histogram) legend() (string, plot.Thumbnailer) {
	if h.Filled {
		return h.Name, &plotter.Polygon{Color: h.Ink}
	}
	return h.Name, &plotter.Line{LineStyle: stroke(h.Ink, 1.3, false)}
}

// A Rule is a vertical line at each place.
type Rule struct {
	Name string
	Ink  Ink
	At   []float64
}

func (r Rule) plotters(keep func(Point) bool) ([]plot.Plotter, error) { return []plot.Plotter{r}, nil }

// Plot implements plot.Plotter: the line is as high as the chart, whatever its range.
func (r Rule) Plot(c draw.Canvas, p *plot.Plot) {
	toX, _ := p.Transforms(&c)
	for _, at := range r.At {
		if x := toX(at); c.ContainsX(x) {
			c.StrokeLine2(stroke(r.Ink, 1.2, true), x, c.Min.Y, x, c.Max.Y)
		}
	}
}

func (r Rule) legend() (string, plot.Thumbnailer) {
	if len(r.At) == 0 {
		return "", nil
	}
	return r.Name, &plotter.Line{LineStyle: stroke(r.Ink, 1.2, true)}
}

// A Shape is how points look.
type Shape int

// The shapes.
const (
	Circle Shape = iota
	Triangle
	Square
)

// Points are marks of their own, with errors above and below and names beside them.
type Points struct {
	Name   string
	Ink    Ink
	Shape  Shape
	Points []Point
	Errors []float64 // nil for none
	Names  []string  // nil for none
}

func (s Points) plotters(keep func(Point) bool) (list []plot.Plotter, err error) {
	var shown plotter.XYs
	bars := &plotter.YErrorBars{LineStyle: stroke(s.Ink, 1, false), CapWidth: 5}
	names := &plotter.Labels{Offset: vg.Point{X: 6, Y: -4}}
	for i, p := range s.Points {
		if !keep(p) {
			continue
		}
		shown = append(shown, plotter.XY(p))
		if s.Errors != nil {
			bars.XYs = append(bars.XYs, plotter.XY(p))
			bars.YErrors = append(bars.YErrors, struct{ Low, High float64 }{-s.Errors[i], s.Errors[i]})
		}
		if s.Names != nil {
			names.XYs, names.Labels = append(names.XYs, plotter.XY(p)), append(names.Labels, s.Names[i])
			style := textStyle(Muted)
			style.XAlign, style.YAlign = draw.XLeft, draw.YBottom
			names.TextStyle = append(names.TextStyle, style)
		}
	}
	if len(shown) == 0 {
		return nil, nil
	}
	if s.Errors != nil {
		list = append(list, bars)
	}
	if s.Names != nil {
		list = append(list, names)
	}
	return append(list, &plotter.Scatter{XYs: shown, GlyphStyle: s.glyph()}), nil
}

func (s Points) glyph() draw.GlyphStyle {
	shape := [...]draw.GlyphDrawer{Circle: draw.CircleGlyph{}, Triangle: draw.PyramidGlyph{}, Square: draw.BoxGlyph{}}[s.Shape]
	return draw.GlyphStyle{Color: s.Ink, Radius: 3.2, Shape: shape}
}

func (s Points) legend() (string, plot.Thumbnailer) {
	return s.Name, &plotter.Scatter{GlyphStyle: s.glyph()}
}

// kept are the points that a chart shows.
func kept(points []Point, keep func(Point) bool) (shown plotter.XYs) {
	for _, p := range points {
		if keep(p) {
			shown = append(shown, plotter.XY(p))
		}
	}
	return shown
}

// stroke is the style of a line.
func stroke(k Ink, width vg.Length, dashed bool) draw.LineStyle {
	s := draw.LineStyle{Color: k, Width: width}
	if dashed {
		s.Dashes = []vg.Length{4, 3}
	}
	return s
}
