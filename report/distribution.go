// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"math"
	"slices"

	"github.com/goqat/goqat/chart"
	"github.com/goqat/goqat/internal/plural"
	"github.com/goqat/goqat/layers"
)

// A distribution is that of the values of a tensor before and after quantization, as
// densities; zeros, which are no part of them, are counted apart.
type distribution struct {
	before, after histogram
	clips         []float64 // least and greatest quantized value; nil without quantization
	beyond        float64   // share of the values that they cut
	codes         string    // what the codes are
}

type histogram struct {
	edges   []float64
	density []float64
	zeros   float64 // share
}

const (
	bins            = 64
	histogramHeight = 180 // of charts, in pixels
)

// densities makes the histogram of the values that lie between the first and the last of
// edges at equal distances.
func densities(values []float32, edges []float64) histogram {
	h := histogram{edges: edges, density: make([]float64, len(edges)-1)}
	width := edges[1] - edges[0]
	for _, v := range values {
		if v == 0 {
			h.zeros++
			continue
		}
		if i := int(math.Floor((float64(v) - edges[0]) / width)); i >= 0 && i < len(h.density) {
			h.density[i]++
		}
	}
	n := float64(max(1, len(values)))
	for i := range h.density {
		h.density[i] /= n * width
	}
	h.zeros /= n
	return h
}

// equal returns the edges of bins between two values.
func equal(lo, hi float64, bins int) []float64 {
	edges := make([]float64, bins+1)
	for i := range edges {
		edges[i] = lo + (hi-lo)*float64(i)/float64(bins)
	}
	return edges
}

// distribute compares values with what quantization made of them, nil for nothing.
// step is the distance of neighbouring quantized values, 0 where it is not one.
func distribute(before, after []float32, step float64) *distribution {
	lo, hi := extremes(before)
	d := &distribution{}
	if after != nil {
		least, greatest := extremes(after)
		d.clips = []float64{least, greatest}
		for _, v := range before {
			if float64(v) < least-step/2 || float64(v) > greatest+step/2 {
				d.beyond++
			}
		}
		d.beyond /= float64(max(1, len(before)))
		span := greatest - least // a far outlier would leave no bins for the others
		lo, hi = min(max(lo, least-span/2), least), max(min(hi, greatest+span/2), greatest)
	}
	if lo == hi {
		lo, hi = lo-0.5, hi+0.5
	}
	d.before = densities(before, equal(lo, hi, bins))
	if after == nil {
		return d
	}
	d.after = densities(after, d.edges(step, lo, hi))
	return d
}

// edges are those of the quantized values: about each value where few are at equal
// distances, else as for the others.
func (d *distribution) edges(step, lo, hi float64) []float64 {
	if levels := math.Round((d.clips[1]-d.clips[0])/max(step, math.SmallestNonzeroFloat32)) + 1; step > 0 && levels <= bins {
		return equal(d.clips[0]-step/2, d.clips[1]+step/2, int(levels))
	}
	return equal(lo, hi+(hi-lo)*1e-6, bins)
}

// extremes returns the least and the greatest of finite values.
func extremes(values []float32) (lo, hi float64) {
	finite := false
	for _, v := range values {
		if x := float64(v); v-v == 0 {
			if !finite {
				lo, hi, finite = x, x, true
			}
			lo, hi = min(lo, x), max(hi, x)
		}
	}
	return lo, hi
}

// chart draws the distribution.
func (d *distribution) chart(title string) *chart.Chart {
	c := &chart.Chart{Title: title, Y: chart.Axis{Hidden: true}, Height: histogramHeight}
	c.Marks = []chart.Mark{chart.Histogram{Name: "before", Ink: chart.Gray, Filled: true, Edges: d.before.edges, Heights: d.before.density}}
	if d.clips != nil {
		c.Marks = append(c.Marks,
			chart.Histogram{Name: "after quantization", Ink: chart.Blue, Edges: d.after.edges, Heights: d.after.density},
			chart.Rule{Name: "clip", Ink: chart.Orange, At: d.clips})
	}
	return c
}

// facts says in words what the chart leaves out.
func (d *distribution) facts() string {
	text := fmt.Sprintf("%s 0", percent(d.before.zeros))
	if d.clips == nil {
		return text
	}
	text = fmt.Sprintf("%s before and %s after quantization are 0, %s beyond the clip", percent(d.before.zeros), percent(d.after.zeros), percent(d.beyond))
	if d.codes != "" {
		text += "; " + d.codes
	}
	return text
}

// weightsOf compares the weights of a unit with the quantized ones.
func weightsOf(u *layers.Unit, quantized bool) *distribution {
	w := u.Weight.Value
	if !quantized || u.Quantizer == nil {
		return distribute(w, nil, 0)
	}
	after := make([]float32, len(w))
	u.Quantizer.Forward(after, w)
	d := distribute(w, after, stepOf(after))
	d.codes = plural.Of(u.Quantizer.Bits(), "bit")
	return d
}

// stepOf returns the distance of quantized values where it is the same between all
// neighbours among few values, else 0.
func stepOf(values []float32) float64 {
	levels := slices.Clone(values)
	slices.Sort(levels)
	levels = slices.Compact(levels)
	if len(levels) < 2 || len(levels) > bins {
		return 0
	}
	step := math.Inf(1)
	for i := 1; i < len(levels); i++ {
		step = min(step, float64(levels[i])-float64(levels[i-1]))
	}
	for i := 1; i < len(levels); i++ {
		gaps := (float64(levels[i]) - float64(levels[i-1])) / step
		if math.Abs(gaps-math.Round(gaps)) > 1e-2 || gaps > bins {
			return 0
		}
	}
	return step
}
