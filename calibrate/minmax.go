// SPDX-License-Identifier: Apache-2.0

package calibrate

import "math"

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
	lo, hi, finite := limits(x)
	e.invalid = e.invalid || !finite
	e.lo, e.hi = min(e.lo, lo), max(e.hi, hi)
	e.images++
	return lo, hi
}

// limits returns the least and the greatest of some values, 0 among them, and whether
// all are finite.
//
// It compares the bits of IEEE 754 as integers, at a fraction of the time that comparing
// numbers takes: those of positive numbers rise with the number and have a sign of 0,
// those of negative ones rise with the magnitude, and what is not finite lies beyond
// the bits of all that is.
func limits(x []float32) (lo, hi float32, finite bool) {
	const infinity, sign = 0x7f800000, 1 << 31
	positive, negative := int32(0), uint32(sign)
	for _, v := range x {
		b := math.Float32bits(v)
		positive, negative = max(positive, int32(b)), max(negative, b)
	}
	return 0 - math.Float32frombits(negative-sign), math.Float32frombits(uint32(positive)), positive < infinity && negative < sign|infinity
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
