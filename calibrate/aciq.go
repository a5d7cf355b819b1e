// SPDX-License-Identifier: Apache-2.0

package calibrate

import "math"

// analytic is the rules "aciq-gauss" and "aciq-laplace": the clip that has the
// least mean squared error for values of a normal or a Laplace distribution,
// spread like those seen (Banner et al. 2018, arXiv:1810.05723, sections 3.1 and
// 3.2). It is found by solving for the width asked for.
//
// A tensor without negative values is taken for one that a ReLU made of a
// distribution about 0. Half of its codes would be wasted on the other sign: its
// clip is that of one bit more.
type analytic struct {
	clip   func(bits int) float64 // in units of the spread
	spread func(h *Histogram, rectified bool) float64
	h      Histogram
}

func (a *analytic) Image(x []float32) { a.h.Add(x) }

func (a *analytic) Range(g Grid) (Range, error) {
	if err := a.h.check(); err != nil {
		return Range{}, err
	}
	r := a.h.extremes()
	if r.Lo == 0 && !g.Symmetric {
		return Range{0, min(r.Hi, a.clip(g.Bits+1)*a.spread(&a.h, true))}, nil
	}
	clip := a.clip(g.Bits) * a.spread(&a.h, false)
	mean := a.h.mean()
	if g.Symmetric {
		return g.cover(Range{0, min(math.Abs(mean)+clip, max(-r.Lo, r.Hi))}), nil
	}
	return Range{min(0, max(r.Lo, mean-clip)), max(0, min(r.Hi, mean+clip))}, nil
}

// gaussianClip returns the clip α of a normal distribution of deviation 1: the
// error is
//
//	(1 + α²)·erfc(α/√2) − √(2/π)·α·e^(−α²/2) + α²/(3·4^bits),
//
// and its derivative is 0 at α.
func gaussianClip(bits int) float64 {
	return root(func(a float64) float64 {
		return a*math.Erfc(a/math.Sqrt2) - math.Sqrt(2/math.Pi)*math.Exp(-a*a/2) + a/(3*math.Exp2(2*float64(bits)))
	})
}

// laplaceClip returns the clip α of a Laplace distribution of scale 1: the error
// is 2·e^(−α) + α²/(3·4^bits), and its derivative is 0 at α.
func laplaceClip(bits int) float64 {
	return root(func(a float64) float64 { return a/(3*math.Exp2(2*float64(bits))) - math.Exp(-a) })
}

// root returns where a rising function passes 0, by halving [0, 64].
func root(f func(float64) float64) float64 {
	lo, hi := 0.0, 64.0
	for range 60 {
		if m := (lo + hi) / 2; f(m) < 0 {
			lo = m
		} else {
			hi = m
		}
	}
	return (lo + hi) / 2
}

// gaussianSpread returns the standard deviation; of a rectified tensor that of
// the tensor before the ReLU, whose mean square is twice that seen.
func gaussianSpread(h *Histogram, rectified bool) float64 {
	var squares float64
	for _, b := range h.filled() {
		squares += b.count * b.center * b.center
	}
	squares /= float64(h.Count)
	if rectified {
		return math.Sqrt(2 * squares)
	}
	mean := h.mean()
	return math.Sqrt(max(0, squares-mean*mean))
}

// laplaceSpread returns the mean magnitude about the mean; of a rectified tensor
// that of the tensor before the ReLU, twice the mean seen.
func laplaceSpread(h *Histogram, rectified bool) float64 {
	mean := h.mean()
	if rectified {
		return 2 * mean
	}
	sum := float64(h.Zeros) * math.Abs(mean)
	for _, b := range h.filled() {
		sum += b.count * math.Abs(b.center-mean)
	}
	return sum / float64(h.Count)
}

// mean returns the mean of all values.
func (h *Histogram) mean() float64 {
	var sum float64
	for _, b := range h.filled() {
		sum += b.count * b.center
	}
	return sum / float64(h.Count)
}
