// SPDX-License-Identifier: Apache-2.0

package calibrate

import "math"

// half is the number of bins on each side of 0. At least half of one side's bins
// lie within the values seen.
const half = 4096

// leastExponent keeps the width of a bin, and its inverse, normal float32 numbers.
const leastExponent = -126

// A Histogram counts the values of a tensor in bins of equal width, a power of
// two. The width doubles, and pairs of bins become one, when a value does not
// fit. Bins therefore hold what they would hold had their width been known from
// the start: the counts depend neither on the order of the values nor on how
// they were grouped.
//
// Values of exactly 0 are counted apart. 0 is always a code, so that they lose
// nothing; after a ReLU they are half of all values, and in the first bin they
// would decide what a rule makes of the others.
type Histogram struct {
	// Zeros counts the values that are 0, Count all values.
	Zeros, Count int64
	// Min and Max are the extremes, 0 among them.
	Min, Max float32

	bins     []int64 // bins[half+i] counts the values in [i, i+1) times the width
	exponent int     // of the width
	invalid  bool    // a value was not finite
}

// Add counts the values x.
func (h *Histogram) Add(x []float32) {
	lo, hi, finite := limits(x)
	if !finite {
		h.invalid = true
		return
	}
	h.Min, h.Max = min(h.Min, lo), max(h.Max, hi)
	h.Count += int64(len(x))
	if lo == 0 && hi == 0 {
		h.Zeros += int64(len(x))
		return
	}
	h.fit(max(-lo, hi))
	zeros := h.count(x, float32(math.Exp2(float64(-h.exponent))))
	h.Zeros += zeros
	h.bins[half] -= zeros
}

// count adds the values, zeros among them, to the bins, and returns how many are 0. No
// processor foresees which values are 0 or negative, so that nothing branches on it.
func (h *Histogram) count(x []float32, scale float32) (zeros int64) {
	bins := (*[2 * half]int64)(h.bins)
	for _, v := range x {
		place := v * scale
		i := int32(place) // towards 0
		var zero int64
		if v == 0 {
			zero = 1
		}
		var above int32
		if float32(i) > place {
			above = 1
		}
		zeros += zero
		bins[uint32(half+i-above)%(2*half)]++
	}
	return zeros
}

// fit widens the bins until a value of the given magnitude has one.
func (h *Histogram) fit(magnitude float32) {
	// 2^(e−1) ≤ magnitude < 2^e, and −2^e has the first bin.
	_, e := math.Frexp(float64(magnitude))
	exponent := max(leastExponent, e-int(math.Log2(half)))
	if h.bins == nil {
		h.bins, h.exponent = make([]int64, 2*half), exponent
	}
	for ; h.exponent < exponent; h.exponent++ {
		h.double()
	}
}

// double makes one bin of two.
func (h *Histogram) double() {
	merged := make([]int64, 2*half)
	for i, n := range h.bins {
		merged[half+(i-half)>>1] += n
	}
	h.bins = merged
}

// width returns the width of a bin.
func (h *Histogram) width() float64 { return math.Exp2(float64(h.exponent)) }

// check says why there is no range: nothing was seen, or what is not finite.
func (h *Histogram) check() error {
	switch {
	case h.invalid:
		return ErrNotFinite
	case h.Count == 0:
		return ErrNoValues
	}
	return nil
}

// extremes returns the range of all values, with 0 in it.
func (h *Histogram) extremes() Range { return Range{float64(h.Min), float64(h.Max)} }

// A bin is a bin that is not empty: its middle, and how many values it has.
type bin struct{ center, count float64 }

// filled returns the bins that are not empty, in rising order.
func (h *Histogram) filled() []bin {
	var list []bin
	w := h.width()
	for i, n := range h.bins {
		if n > 0 {
			list = append(list, bin{(float64(i-half) + 0.5) * w, float64(n)})
		}
	}
	return list
}

// magnitudes returns how many values have a magnitude of [i, i+1) widths, up to
// the greatest.
func (h *Histogram) magnitudes() []int64 {
	if h.bins == nil {
		return nil
	}
	m := make([]int64, half+1)
	last := 0
	for i := range m {
		if i < half {
			m[i] = h.bins[half+i] + h.bins[half-1-i]
		}
		if m[i] > 0 {
			last = i + 1
		}
	}
	return m[:last]
}
