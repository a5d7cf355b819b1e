// SPDX-License-Identifier: Apache-2.0

package chart_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"regexp"
	"strings"
	"testing"

	"github.com/goqat/goqat/chart"
)

// everything is a chart of every mark, with values that have no place on it.
func everything() *chart.Chart {
	points := []chart.Point{{X: 1, Y: 2}, {X: 2, Y: math.NaN()}, {X: 3, Y: math.Inf(1)}, {X: 4, Y: 1}}
	return &chart.Chart{Title: "a <title> & \"more\"\nof it", X: chart.Axis{Label: "x < y"}, Marks: []chart.Mark{
		chart.Histogram{Name: "filled", Ink: chart.Gray, Filled: true, Edges: []float64{0, 1, 2}, Heights: []float64{1, 2}},
		chart.Histogram{Name: "outline", Ink: chart.Blue, Edges: []float64{0, 1, 2}, Heights: []float64{2, 1}},
		chart.Line{Name: "<script>", Ink: chart.Orange, Dashed: true, Points: points},
		chart.Line{Name: "single", Ink: chart.Red, Points: points[:1]},
		chart.Points{Name: "points", Ink: chart.Green, Shape: chart.Square, Points: points, Errors: []float64{1, 1, 1, 1}, Names: []string{"a&b", "b", "c", "d"}},
		chart.Rule{Name: "rule", Ink: chart.Purple, At: []float64{1.5, 99}},
	}}
}

// texts parses an SVG and returns its texts.
func texts(t *testing.T, svg string) (list []string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(svg))
	inside := false
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			t.Fatalf("%v in %s", err, svg)
		}
		switch token := token.(type) {
		case xml.StartElement:
			inside = token.Name.Local == "text"
		case xml.CharData:
			if inside {
				list = append(list, string(token))
			}
		case xml.EndElement:
			inside = false
		}
	}
}

// TestEverythingIsDrawn wants all names in both forms, and no colour of its own in a
// page.
func TestEverythingIsDrawn(t *testing.T) {
	inline, err := everything().Inline()
	if err != nil {
		t.Fatal(err)
	}
	var alone bytes.Buffer
	if err := everything().Write(&alone); err != nil {
		t.Fatal(err)
	}
	for _, svg := range []string{inline, alone.String()} {
		all := strings.Join(texts(t, svg), "\n")
		for _, want := range []string{"filled", "outline", "<script>", "single", "points", "rule", "x < y", "a&b"} {
			if !strings.Contains(all, want) {
				t.Errorf("no %q among %q", want, all)
			}
		}
		if strings.Contains(svg, "NaN") || strings.Contains(svg, "Inf") || strings.Contains(svg, ">-0<") {
			t.Error("what has no place is drawn")
		}
	}
	if regexp.MustCompile("#[0-9a-fA-F]{6}").MatchString(inline) || !strings.Contains(inline, `aria-label="a &lt;title&gt; &amp; &#34;more&#34; of it"`) {
		t.Errorf("a colour is not of the page, or the name is not escaped: %s", inline)
	}
	if !strings.Contains(alone.String(), "#1F5FA8") || !strings.Contains(strings.Join(texts(t, alone.String()), "\n"), `a <title> & "more" of it`) {
		t.Error("a picture of its own has no colours or no title")
	}
}

// TestNothingToDraw wants charts of no data, of one value and of a huge one.
func TestNothingToDraw(t *testing.T) {
	line := func(points ...chart.Point) chart.Mark { return chart.Line{Name: "l", Points: points} }
	for name, c := range map[string]*chart.Chart{
		"empty":         {},
		"no points":     {Marks: []chart.Mark{line(), chart.Histogram{}, chart.Points{}, chart.Rule{At: []float64{1}}}},
		"one value":     {Marks: []chart.Mark{line(chart.Point{X: 1, Y: 3}, chart.Point{X: 1, Y: 3})}},
		"zeros":         {Marks: []chart.Mark{line(chart.Point{}, chart.Point{})}},
		"huge":          {Marks: []chart.Mark{line(chart.Point{X: 0, Y: -math.MaxFloat64}, chart.Point{X: 1, Y: math.MaxFloat64})}},
		"neighbours":    {Marks: []chart.Mark{line(chart.Point{X: 0, Y: 1e300}, chart.Point{X: 1, Y: math.Nextafter(1e300, 2e300)})}},
		"tiny":          {Marks: []chart.Mark{line(chart.Point{X: 0, Y: 5e-324}, chart.Point{X: 1, Y: 1e-323})}},
		"log of nought": {Y: chart.Axis{Log: true}, Marks: []chart.Mark{line(chart.Point{X: 1}, chart.Point{X: 2, Y: -1})}},
		"log of one":    {Y: chart.Axis{Log: true}, Marks: []chart.Mark{line(chart.Point{X: 1, Y: 5}, chart.Point{X: 2, Y: 5})}},
		"names":         {Y: chart.Axis{Names: []string{"a", "b"}}, Marks: []chart.Mark{chart.Points{Points: []chart.Point{{X: 1, Y: 1}}}}},
	} {
		svg, err := c.Inline()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		texts(t, svg)
	}
}

// TestShortLogAxis wants numbers at an axis of less than a decade, as of files of 30 to 90 thousand bytes.
func TestShortLogAxis(t *testing.T) {
	c := &chart.Chart{X: chart.Axis{Log: true}, Marks: []chart.Mark{chart.Line{Points: []chart.Point{{X: 30818, Y: 1}, {X: 88354, Y: 2}}}}}
	svg, err := c.Inline()
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(texts(t, svg), "\n")
	for _, want := range []string{"40 k", "60 k", "80 k"} {
		if !strings.Contains(all, want) {
			t.Errorf("no %q among %q", want, all)
		}
	}
}

// TestWholeAxis has two epochs, between which there is none.
func TestWholeAxis(t *testing.T) {
	for whole, want := range map[bool]string{true: "1 2", false: "1 1.2 1.4 1.6 1.8 2"} {
		c := chart.Chart{X: chart.Axis{Whole: whole}, Y: chart.Axis{Hidden: true}, Marks: []chart.Mark{chart.Line{Points: []chart.Point{{X: 1, Y: 1}, {X: 2, Y: 3}}}}}
		svg, err := c.Inline()
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(texts(t, string(svg)), " "); got != want {
			t.Errorf("whole %t: %s, want %s", whole, got, want)
		}
	}
}
