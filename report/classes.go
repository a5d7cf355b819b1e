// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"fmt"
	"html/template"
	"image"
	"image/color"
	"image/png"
	"math"
	"slices"

	"github.com/goqat/goqat/train"
)

// classes is the table of recalls.
type classes struct {
	Balanced string
	All      int // classes; Rows may be the worst of them alone
	Rows     []classRow
}

type classRow struct {
	Class, Recall string
	Images        int
	Share         template.CSS // of the bar
}

// mostClasses is how many rows the table of classes has.
const mostClasses = 100

// outcomes are those of the classes, nil where nothing was measured.
func (s *Subject) outcomes() []train.ClassOutcome {
	if s.Record != nil && s.Record.Summary != nil {
		return s.Record.Summary.PerClass
	}
	if r := s.result(); r != nil {
		return r.PerClass(s.classes())
	}
	return nil
}

// perClass returns the table of classes, that of the worst where they are many.
func (s *Subject) perClass() *classes {
	outcomes := s.outcomes()
	if len(outcomes) == 0 {
		return nil
	}
	c := &classes{Balanced: percent(train.Balanced(outcomes)), All: len(outcomes)}
	if len(outcomes) > mostClasses {
		outcomes = slices.Clone(outcomes)
		recall := func(o train.ClassOutcome) float64 {
			if o.Accuracy == nil {
				return math.Inf(1)
			}
			return *o.Accuracy
		}
		slices.SortStableFunc(outcomes, func(a, b train.ClassOutcome) int { return cmp.Compare(recall(a), recall(b)) })
		outcomes = outcomes[:mostClasses]
	}
	for _, o := range outcomes {
		row := classRow{Class: short(o.Class), Images: o.Images, Recall: "-"}
		if o.Accuracy != nil {
			row.Recall, row.Share = train.Measured(*o.Accuracy, o.Images), share(*o.Accuracy)
		}
		c.Rows = append(c.Rows, row)
	}
	return c
}

// share is the width of a bar.
func share(fraction float64) template.CSS {
	return template.CSS(fmt.Sprintf("--share:%.1f%%", 100*min(max(fraction, 0), 1)))
}

// confusion shows which classes were taken for which.
type confusion struct {
	Pairs []pair
	// Classes and Rows are the matrix where it is small, Picture where it is not; none
	// of them for more than 100 classes.
	Classes []string
	Rows    []confusionRow
	Picture template.URL
	Size    int
}

type pair struct {
	True, Found string
	Images      int
	Of          string // all images of the true class
}

type confusionRow struct {
	Class string
	Cells []confusionCell
}

type confusionCell struct {
	Count    int
	Diagonal bool
	Strength template.CSS
}

const (
	// mostNumbers is how many classes have a matrix of numbers.
	mostNumbers = 20
	mostPairs   = 12
)

// confusion returns what was taken for what, nil where nothing was measured.
func (s *Subject) confusion() *confusion {
	names := s.classes()
	counts, of := s.pairs(), map[int]int{}
	if counts == nil {
		return nil
	}
	for p, n := range counts {
		of[p[0]] += n
	}
	c := &confusion{Size: len(names)}
	for p, n := range counts {
		if p[0] != p[1] && p[0] < len(names) && p[1] < len(names) {
			c.Pairs = append(c.Pairs, pair{short(names[p[0]]), short(names[p[1]]), n, percent(float64(n) / float64(of[p[0]]))})
		}
	}
	slices.SortFunc(c.Pairs, func(a, b pair) int {
		return cmp.Or(cmp.Compare(b.Images, a.Images), cmp.Compare(a.True, b.True), cmp.Compare(a.Found, b.Found))
	})
	c.Pairs = c.Pairs[:min(len(c.Pairs), mostPairs)]
	strength := func(i, j int) float64 { return float64(counts[[2]int{i, j}]) / float64(max(1, of[i])) }
	switch {
	case len(names) <= mostNumbers:
		c.numbers(names, counts, strength)
	case len(names) <= 100:
		c.draw(len(names), strength)
	}
	return c
}

// pairs counts the images by true class and class found, where there are any; nil
// where nothing was measured.
func (s *Subject) pairs() map[[2]int]int {
	counts := map[[2]int]int{}
	if r := s.result(); r != nil {
		for i, label := range r.Labels {
			counts[[2]int{int(label), int(r.Predictions[i])}]++
		}
		return counts
	}
	if s.Record == nil || s.Record.Summary == nil || s.Record.Summary.Confusion == nil {
		return nil
	}
	for i, row := range s.Record.Summary.Confusion {
		for j, n := range row {
			if n > 0 {
				counts[[2]int{i, j}] = n
			}
		}
	}
	return counts
}

// numbers makes the matrix as a table.
func (c *confusion) numbers(names []string, counts map[[2]int]int, strength func(i, j int) float64) {
	for i, name := range names {
		c.Classes = append(c.Classes, short(name))
		row := confusionRow{Class: short(name)}
		for j := range names {
			row.Cells = append(row.Cells, confusionCell{counts[[2]int{i, j}], i == j, template.CSS(fmt.Sprintf("--strength:%.0f%%", 100*visible(strength(i, j))))})
		}
		c.Rows = append(c.Rows, row)
	}
}

// draw makes the matrix as a picture with a pixel for each pair of classes.
func (c *confusion) draw(classes int, strength func(i, j int) float64) {
	m := image.NewNRGBA(image.Rect(0, 0, classes, classes))
	for i := range classes {
		for j := range classes {
			ink := color.NRGBA{0xd9, 0x6a, 0x1c, 0}
			if i == j {
				ink = color.NRGBA{0x3b, 0x82, 0xd0, 0}
			}
			ink.A = uint8(255 * visible(strength(i, j)))
			m.SetNRGBA(j, i, ink)
		}
	}
	c.Picture = embedded(m)
}

// visible is how strongly a share is coloured: small ones would hardly be seen.
func visible(share float64) float64 { return math.Sqrt(share) }

// embedded returns a picture as the address of an img element.
func embedded(m image.Image) template.URL {
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		panic(fmt.Sprintf("report: a picture in memory does not encode: %v", err))
	}
	return template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(b.Bytes()))
}
