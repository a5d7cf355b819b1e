// SPDX-License-Identifier: Apache-2.0

package calibrate

import "math"

// meanSquares is the rule "mse": the range with the least Σ (x − x̂)², where x̂ is
// x rounded to the grid and clipped at its ends. The values are those of the
// middles of a [Histogram]'s bins.
//
// A range is searched as its scale and its zero point, since the codes depend on
// the zero point being whole. The scale is tried at hundredths of the one that
// covers all values, then at thousandths about the best; zero points, where values
// have both signs, at a sixteenth of the codes, then at each code about the best.
type meanSquares struct{ h Histogram }

func (m *meanSquares) Image(x []float32) { m.h.Add(x) }

func (m *meanSquares) Range(g Grid) (Range, error) {
	if err := m.h.check(); err != nil {
		return Range{}, err
	}
	r := g.cover(m.h.extremes())
	if r == (Range{}) {
		return r, nil
	}
	bins := m.h.filled()
	if g.Symmetric {
		return g.bestScale(bins, r, 0).Range, nil
	}
	_, top := g.codes()
	switch {
	case r.Lo == 0:
		return g.bestScale(bins, r, 0).Range, nil
	case r.Hi == 0:
		return g.bestScale(bins, r, top).Range, nil
	}
	return g.bestZero(bins, r), nil
}

// fit is a range and its squared error.
type fit struct {
	Range
	loss float64
}

// bestZero returns the best range for values of both signs, r being their range.
func (g Grid) bestZero(bins []bin, r Range) Range {
	_, top := g.codes()
	best := fit{loss: math.Inf(1)}
	at := 0.0
	try := func(zero float64) {
		if zero < 0 || zero > top {
			return
		}
		if f := g.bestScale(bins, r, zero); f.loss < best.loss {
			best, at = f, zero
		}
	}
	spacing := math.Ceil((top + 1) / 16)
	for zero := 0.0; zero <= top; zero += spacing {
		try(zero)
	}
	middle := at
	for d := 1.0; d < spacing; d++ {
		try(middle - d)
		try(middle + d)
	}
	return best.Range
}

// bestScale returns the best range with a zero point (not of a symmetric grid,
// whose zero point is 0). A side of r without codes does not count.
func (g Grid) bestScale(bins []bin, r Range, zero float64) fit {
	least, most := g.codes()
	least, most = least-zero, most-zero
	whole := 0.0 // the least scale that clips nothing
	if least < 0 {
		whole = max(whole, r.Lo/least)
	}
	if most > 0 {
		whole = max(whole, r.Hi/most)
	}
	best, part := math.Inf(1), 0.0
	try := func(p float64) {
		if p <= 0 || p > 100 {
			return
		}
		if l := squares(bins, whole*p/100, least, most); l < best {
			best, part = l, p
		}
	}
	for p := 100; p > 0; p-- {
		try(float64(p))
	}
	middle := part
	for k := -9; k <= 9; k++ {
		try(middle + float64(k)/10)
	}
	scale := whole * part / 100
	return fit{Range{scale * least, scale * most}, best}
}

// squares returns the sum of the squared errors of the bins' middles, rounded to
// multiples of a scale between two of them.
func squares(bins []bin, scale, least, most float64) float64 {
	inverse, sum := 1/scale, 0.0
	for _, b := range bins {
		d := b.center - scale*min(max(math.RoundToEven(b.center*inverse), least), most)
		sum += d * d * b.count
	}
	return sum
}
