// SPDX-License-Identifier: Apache-2.0

package calibrate

import "math"

// deviations is the rule "stddev": n standard deviations to each side of the
// mean, within the values seen. The sums are taken image by image, in the order
// of the images.
type deviations struct {
	n    float64
	seen extremes
	moments
}

func newDeviations(n float64) *deviations {
	if n == 0 {
		n = 3
	}
	return &deviations{n: n}
}

func (d *deviations) Image(x []float32) {
	d.seen.add(x)
	d.moments.add(x)
}

func (d *deviations) Range(g Grid) (Range, error) {
	if err := d.seen.check(); err != nil {
		return Range{}, err
	}
	mean, sigma := d.meanDeviation()
	return g.cover(d.seen.within(mean-d.n*sigma, mean+d.n*sigma)), nil
}

// within returns the part of [lo, hi] that the values seen reach, with 0 in it.
func (e *extremes) within(lo, hi float64) Range {
	return Range{min(0, max(lo, float64(e.lo))), max(0, min(hi, float64(e.hi)))}
}

// moments are sums over values.
type moments struct {
	count        int
	sum, squares float64
}

// add adds the values of an image.
func (m *moments) add(x []float32) {
	var sum, squares float64
	for _, v := range x {
		f := float64(v)
		sum += f
		squares += float64(f * f)
	}
	m.count += len(x)
	m.sum += sum
	m.squares += squares
}

// meanDeviation returns the mean and the standard deviation.
func (m *moments) meanDeviation() (mean, sigma float64) {
	n := float64(m.count)
	mean = m.sum / n
	return mean, math.Sqrt(max(0, m.squares/n-float64(mean*mean)))
}
