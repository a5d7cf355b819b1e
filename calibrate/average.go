// SPDX-License-Identifier: Apache-2.0

package calibrate

// average is the rule "average": the mean, over the images, of the least and of
// the greatest value of each. A single image far off the others moves it little.
// The means are sums in the order of the images.
type average struct {
	seen   extremes
	lo, hi float64 // sums
}

func (a *average) Image(x []float32) {
	lo, hi := a.seen.add(x)
	a.lo += float64(lo)
	a.hi += float64(hi)
}

func (a *average) Range(g Grid) (Range, error) {
	if err := a.seen.check(); err != nil {
		return Range{}, err
	}
	n := float64(a.seen.images)
	return g.cover(Range{a.lo / n, a.hi / n}), nil
}
