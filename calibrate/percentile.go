// SPDX-License-Identifier: Apache-2.0

package calibrate

// percentile is the rule "percentile": the range that clips the given part of
// all values. A tensor with values of both signs loses half of that part on each
// side. The ends of the range are ends of bins of a [Histogram].
type percentile struct {
	percent float64
	h       Histogram
}

func newPercentile(percent float64) *percentile {
	if percent == 0 {
		percent = 99.99
	}
	return &percentile{percent: percent}
}

func (p *percentile) Image(x []float32) { p.h.Add(x) }

func (p *percentile) Range(g Grid) (Range, error) {
	if err := p.h.check(); err != nil {
		return Range{}, err
	}
	clipped := (1 - p.percent/100) * float64(p.h.Count)
	if g.Symmetric {
		m := p.h.magnitudes()
		t := p.h.width() * float64(len(m)-cut(m, clipped))
		return g.cover(Range{0, min(t, max(-p.h.extremes().Lo, p.h.extremes().Hi))}), nil
	}
	if p.h.Min < 0 && p.h.Max > 0 {
		clipped /= 2
	}
	r, w := p.h.extremes(), p.h.width()
	below, above := p.h.sides()
	return Range{max(r.Lo, -w*float64(len(below)-cut(below, clipped))), min(r.Hi, w*float64(len(above)-cut(above, clipped)))}, nil
}

// sides returns the counts below and above 0, from 0 outwards, up to the last
// that is not 0.
func (h *Histogram) sides() (below, above []int64) {
	if h.bins == nil {
		return nil, nil
	}
	below = make([]int64, half)
	for i := range below {
		below[i] = h.bins[half-1-i]
	}
	return trim(below), trim(h.bins[half:])
}

// trim drops the zeros at the end.
func trim(counts []int64) []int64 {
	n := len(counts)
	for n > 0 && counts[n-1] == 0 {
		n--
	}
	return counts[:n]
}

// cut returns how many bins at the end hold no more than so many values.
func cut(counts []int64, most float64) int {
	bins, sum := 0, 0.0
	for i := len(counts) - 1; i >= 0; i-- {
		if sum += float64(counts[i]); sum > most {
			break
		}
		bins++
	}
	return bins
}
