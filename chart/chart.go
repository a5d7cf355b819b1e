// SPDX-License-Identifier: Apache-2.0

// Package chart draws the charts of reports and tables as SVG: lines, histograms and
// points with errors, by gonum.org/v1/plot. It knows nothing of networks.
package chart

import (
	"fmt"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// A Chart is data with the marks that show it.
type Chart struct {
	// Title says what is shown. It is drawn in a picture of its own alone, and is the
	// name of the chart for those who do not see it.
	Title string
	X, Y  Axis
	Marks []Mark // the first lies under all others
	// Width and Height are in pixels, 0 for the usual ones.
	Width, Height float64
}

// The usual size: as wide as a telephone, so that text is legible on one.
const (
	usualWidth  = 360
	usualHeight = 210
)

// An Axis is one of the two.
type Axis struct {
	Label string
	// Min and Max are widened to the data.
	Min, Max float64
	// Names, if not nil, are those of the values 0, 1, 2, …
	Names []string
	// Log is a logarithmic scale; values that are not positive are left out.
	Log bool
	// Whole has numbers at whole values alone, as of an axis of epochs.
	Whole bool
	// Hidden draws no numbers at the axis.
	Hidden bool
}

// A Point is a value at a place.
type Point struct{ X, Y float64 }

// A Mark shows data in a chart.
type Mark interface {
	// plotters are what gonum draws for the mark, on axes that leave values out.
	plotters(keep func(Point) bool) ([]plot.Plotter, error)
	// legend is the mark's line in the legend, without a name for none.
	legend() (name string, sample plot.Thumbnailer)
}

// drawn returns the chart as gonum has it.
func (c *Chart) drawn() (*plot.Plot, error) {
	p := plot.New()
	p.BackgroundColor = nil
	p.Add(grid())
	for _, m := range c.Marks {
		list, err := m.plotters(c.shows)
		if err != nil {
			return nil, fmt.Errorf("chart: %s: %w", c.Title, err)
		}
		p.Add(list...)
	}
	c.X.style(&p.X)
	c.Y.style(&p.Y)
	p.Y.LineStyle.Width = 0
	p.Y.Tick.LineStyle.Width = 0
	p.X.Tick.LineStyle.Width = 0
	return p, nil
}

// shows says whether a point has a place on the axes.
func (c *Chart) shows(p Point) bool { return c.X.shows(p.X) && c.Y.shows(p.Y) }

func (a *Axis) shows(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) && (!a.Log || v > 0) }

// style gives an axis of gonum its range, its marks and its text.
func (a *Axis) style(axis *plot.Axis) {
	if a.Min != 0 || a.Max != 0 {
		axis.Min, axis.Max = math.Min(axis.Min, a.Min), math.Max(axis.Max, a.Max)
	}
	if a.Log {
		axis.Scale = plot.LogScale{}
	}
	a.widen(axis)
	axis.Color = Muted
	axis.Label.Text = a.Label
	axis.Label.TextStyle = textStyle(Muted)
	align := axis.Tick.Label
	axis.Tick.Label = textStyle(Muted)
	axis.Tick.Label.XAlign, axis.Tick.Label.YAlign = align.XAlign, align.YAlign
	axis.Tick.Marker = plot.TickerFunc(a.ticks)
	axis.Padding = 2
}

// widen makes a range of what is none: without data, or with a single value.
func (a *Axis) widen(axis *plot.Axis) {
	switch {
	case axis.Min > axis.Max && a.Log:
		axis.Min, axis.Max = 1, 10
	case axis.Min > axis.Max:
		axis.Min, axis.Max = 0, 1
	case axis.Min == axis.Max && a.Log:
		axis.Min, axis.Max = axis.Min/2, 2*axis.Max
	case axis.Min == axis.Max:
		around := math.Max(math.Abs(axis.Min)/10, 1e-9)
		axis.Min, axis.Max = axis.Min-around, axis.Max+around
	}
	if a.Names != nil {
		axis.Min, axis.Max = -0.5, float64(len(a.Names))-0.5
	}
}

// ticks are the numbers or the names at an axis; those without text are left out.
func (a *Axis) ticks(least, most float64) (ticks []plot.Tick) {
	if a.Hidden {
		return nil
	}
	for i, name := range a.Names {
		ticks = append(ticks, plot.Tick{Value: float64(i), Label: name})
	}
	if a.Names != nil {
		return ticks
	}
	places := linearTicks
	if a.Log {
		places = logTicks
	}
	for _, v := range places(least, most) {
		if a.Whole && v != math.Trunc(v) {
			continue
		}
		ticks = append(ticks, plot.Tick{Value: v, Label: number(v)})
	}
	return ticks
}

// linearTicks are multiples of 1, 2 or 5 times a power of ten, about five of them.
func linearTicks(least, most float64) (ticks []float64) {
	const wanted = 5
	power := math.Pow(10, math.Floor(math.Log10((most-least)/wanted)))
	step := 10 * power
	for _, f := range []float64{1, 2, 5} {
		if f*power*wanted >= (most-least)*0.99 {
			step = f * power
			break
		}
	}
	slack := 1e-9 * (most - least)
	first := math.Ceil((least - slack) / step)
	for i := range 2 * wanted { // more than there are
		if v := (first + float64(i)) * step; v <= most+slack {
			ticks = append(ticks, math.Round(v/power)*power+0) // not -0
		}
	}
	return ticks
}

// logTicks are the powers of ten, with 2 and 5 times each where they are few, and those of
// a linear scale where these are fewer than three.
func logTicks(least, most float64) (ticks []float64) {
	factors := []float64{1, 2, 5}
	if most/least > 300 {
		factors = factors[:1]
	}
	for decade := math.Floor(math.Log10(least)); decade <= math.Log10(most); decade++ {
		for _, f := range factors {
			if v := f * math.Pow(10, decade); v >= least && v <= most {
				ticks = append(ticks, v)
			}
		}
	}
	if len(ticks) < 3 {
		return linearTicks(least, most)
	}
	return ticks
}

// number writes a value at an axis: in few digits, large ones in thousands, millions
// or billions.
func number(v float64) string {
	units := []string{"", " k", " M", " G", " T"}
	unit := 0
	for math.Abs(v) >= 1e4 && unit < len(units)-1 {
		v /= 1e3
		unit++
	}
	return fmt.Sprintf("%.4g%s", v, units[unit])
}

// grid are fine horizontal lines.
func grid() *plotter.Grid {
	g := plotter.NewGrid()
	g.Vertical.Color = nil
	g.Horizontal = draw.LineStyle{Color: faint, Width: vg.Points(0.75)}
	return g
}
