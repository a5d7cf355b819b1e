// SPDX-License-Identifier: Apache-2.0

package ptq

import (
	"cmp"
	"math"
	"slices"
)

// A Rounding is the choice, for the weights of one output channel, of the code
// below or above each, so that the channel computes what the float weights do.
// This is the problem of AdaRound (Nagel et al. 2020, arXiv:2004.10568, equation
// 16) for one channel: with real weights w, codes q of scale s, and inputs x of the
// quantized network,
//
//	E ((s·q − w)·x)² = (s·q − w)·H·(s·q − w),  H = E xxᵀ,
//	qᵢ in {⌊wᵢ/s⌋, ⌈wᵢ/s⌉} within the codes.
//
// The paper relaxes the choice and descends along a gradient with annealed
// regularization. [Rounding.Solve] takes single choices, and then pairs of them, as
// long as one lowers the error: it needs no learning rate, ends at an error that
// no such change lowers, and is the same every time.
type Rounding struct {
	Scale       float64
	Least, Most int       // codes
	H           []float64 // n × n, symmetric, not negative definite
}

// Solve writes the codes of the weights w to q and returns by how much they lower
// the error of rounding each to the nearest, at least 0.
//
// It searches from three starts, and keeps the best end: every weight to the
// nearest code; and one weight after the other to the code with the lower error,
// those to come taken as they are, from the weight with the strongest input to
// that with the weakest, and back.
func (r *Rounding) Solve(q []int16, w []float32) float64 {
	start := r.start(w)
	nearest := start.clone()
	for i := range w {
		nearest.round(i, math.RoundToEven(float64(w[i])/r.Scale))
	}
	first := nearest.loss()
	best := nearest
	best.descend()
	order := r.strongest()
	for range 2 {
		c := start.clone()
		for _, i := range order {
			c.roundBest(i)
		}
		c.descend()
		if c.loss() < best.loss() {
			best = c
		}
		slices.Reverse(order)
	}
	for i, code := range best.q {
		q[i] = int16(code)
	}
	return max(0, first-best.loss())
}

// quick returns the error that the weights w have when one after the
// other becomes the code with the lower error, from the strongest input to the weakest.
func (r *Rounding) quick(w []float32) float64 {
	c := r.start(w)
	for _, i := range r.strongest() {
		c.roundBest(i)
	}
	return c.loss()
}

// strongest returns the inputs by their power, the strongest first.
func (r *Rounding) strongest() []int {
	n := int(math.Sqrt(float64(len(r.H))))
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(r.H[j*n+j], r.H[i*n+i]) })
	return order
}

// choices is the state of a search: codes, which are not whole before they are
// rounded, and what each could become.
type choices struct {
	*Rounding
	w     []float64 // in units of the scale
	q     []float64
	step  []float64 // what q[i] may change by, ±1; 0 where there is no choice
	slope []float64 // half the derivative of the error by the code
	bend  []float64 // half the second derivative by the code: s²·H on its diagonal
}

// start returns the state in which the codes are the weights as they are.
func (r *Rounding) start(w []float32) *choices {
	n := len(w)
	c := &choices{Rounding: r, w: make([]float64, n), step: make([]float64, n), slope: make([]float64, n), bend: make([]float64, n)}
	for i, v := range w {
		c.w[i] = float64(v) / r.Scale
		c.bend[i] = r.Scale * r.Scale * r.H[i*n+i]
	}
	c.q = slices.Clone(c.w)
	return c
}

// clone returns a state of its own, of the same weights.
func (c *choices) clone() *choices {
	d := *c
	d.q, d.step, d.slope = slices.Clone(c.q), slices.Clone(c.step), slices.Clone(c.slope)
	return &d
}

// loss returns the error.
func (c *choices) loss() float64 {
	sum := 0.0
	for i, q := range c.q {
		sum += (q - c.w[i]) * c.slope[i]
	}
	return sum
}

// move changes code i by d.
func (c *choices) move(i int, d float64) {
	n := len(c.q)
	c.q[i] += d
	slope, factor := c.slope[:n], c.Scale*c.Scale*d
	for j, h := range c.H[i*n : (i+1)*n] {
		slope[j] += factor * h
	}
}

// round makes code i one of its two choices, or an end of the codes, and notes the
// other.
func (c *choices) round(i int, code float64) {
	least, most := float64(c.Least), float64(c.Most)
	other := math.Floor(c.w[i])
	if other == code {
		other = math.Ceil(c.w[i])
	}
	code = min(max(code, least), most)
	if other >= least && other <= most {
		c.step[i] = other - code
	}
	c.move(i, code-c.q[i])
}

// roundBest rounds code i to the choice with the lower error, given the others.
func (c *choices) roundBest(i int) {
	h := c.bend[i]
	below, above := math.Floor(c.w[i])-c.q[i], math.Ceil(c.w[i])-c.q[i]
	if 2*below*c.slope[i]+below*below*h <= 2*above*c.slope[i]+above*above*h {
		c.round(i, math.Floor(c.w[i]))
	} else {
		c.round(i, math.Ceil(c.w[i]))
	}
}

// mostPaired is the greatest number of weights whose pairs are tried: the pairs of
// larger layers take long and gain little.
const mostPaired = 300

// descend takes the choice that lowers the error most, or the pair, until none
// does.
func (c *choices) descend() {
	for {
		if i, gain := c.bestOne(); gain > 0 {
			c.flip(i)
			continue
		}
		if len(c.q) > mostPaired {
			return
		}
		i, j, gain := c.bestTwo()
		if gain <= 0 {
			return
		}
		c.flip(i)
		c.flip(j)
	}
}

// flip takes choice i; the way back becomes the choice.
func (c *choices) flip(i int) {
	d := c.step[i]
	c.step[i] = -d
	c.move(i, d)
}

// tolerance is the part of the error's scale below which a gain is rounding.
const tolerance = 1e-12

// gain returns by how much taking choice i lowers the error.
func (c *choices) gain(i int) float64 {
	h := c.bend[i]
	gain := -2*c.step[i]*c.slope[i] - c.step[i]*c.step[i]*h
	if gain <= tolerance*h {
		return math.Min(gain, 0)
	}
	return gain
}

// bestOne returns the choice that lowers the error most.
func (c *choices) bestOne() (best int, most float64) {
	for i := range c.q {
		if c.step[i] == 0 {
			continue
		}
		if g := c.gain(i); g > most {
			best, most = i, g
		}
	}
	return best, most
}

// bestTwo returns the two choices that together lower the error most.
func (c *choices) bestTwo() (a, b int, most float64) {
	n, s := len(c.q), c.Scale*c.Scale
	alone := make([]float64, n)
	for i := range alone {
		alone[i] = c.gain(i)
	}
	for i := range n {
		if c.step[i] == 0 {
			continue
		}
		row := c.H[i*n : (i+1)*n]
		for j := i + 1; j < n; j++ {
			if c.step[j] == 0 {
				continue
			}
			g := alone[i] + alone[j] - 2*c.step[i]*c.step[j]*s*row[j]
			if g > most && g > tolerance*s*(row[i]+c.H[j*n+j]) {
				a, b, most = i, j, g
			}
		}
	}
	return a, b, most
}
