// SPDX-License-Identifier: Apache-2.0

package calibrate

// minMax is the rule "minmax": the range of all values, which clips nothing.
type minMax struct{ seen extremes }

func (m *minMax) Image(x []float32) { m.seen.add(x) }

func (m *minMax) Range(g Grid) (Range, error) {
	return g.cover(Range{float64(m.seen.lo), float64(m.seen.hi)}), m.seen.check()
}

// extremes are the least and the greatest value seen, 0 among them.
type extremes struct {
	lo, hi  float32
	images  int
	invalid bool
}

// add takes in the values of an image, and returns its own extremes.
func (e *extremes) add(x []float32) (lo, hi float32) {
	for _, v := range x {
		if v-v != 0 {
			e.invalid = true
		}
		lo, hi = min(lo, v), max(hi, v)
	}
	e.lo, e.hi = min(e.lo, lo), max(e.hi, hi)
	e.images++
	return lo, hi
}

// check says why there is no range.
func (e *extremes) check() error {
	switch {
	case e.invalid:
		return ErrNotFinite
	case e.images == 0:
		return ErrNoValues
	}
	return nil
}

// cover returns a range as the grid has it: for a symmetric one, with two equal
// sides.
func (g Grid) cover(r Range) Range {
	if t := max(-r.Lo, r.Hi); g.Symmetric {
		return Range{-t, t}
	}
	return r
}
