// SPDX-License-Identifier: Apache-2.0

package qat

import (
	"math"

	"github.com/goqat/goqat/graph"
)

// LSQPlus is the method "lsq+": lsq with a learned offset for tensors that are
// not rectified, which rounded gives the zero point, and other beginnings
// (Bhalgat et al. 2020, section 3; the formulas are those of ste.LSQ).
//
// Weights start with the step max(|μ − 3σ|, |μ + 3σ|)/2^(b−1) (section 3.2.1).
// Tensors start with the range that is best for values of a normal
// distribution, which the paper finds by minimizing the error in a calibration
// (section 3.2.2). A rectified tensor has the offset 0: below it there is
// nothing.
type LSQPlus struct{}

// Info implements [Method].
func (LSQPlus) Info() Info {
	return Info{
		Name:           "lsq+",
		For:            "as lsq, with learned offsets for activations below zero",
		Paper:          "Bhalgat et al. 2020, arXiv:2004.09576",
		WeightBits:     []int{2, 3, 4, 5, 6, 7, 8},
		ActivationBits: []int{2, 3, 4, 5, 6, 7, 8},
		Usual:          Widths{4, 4},
		Integers:       true,
		EWGS:           true,
		Steady:         true,
		PowersOfTwo:    true,
	}
}

// Weights implements [Method].
func (LSQPlus) Weights(g *graph.Graph, name string, o Options, shape []int) Weights {
	return newLSQWeights(g, name, o, shape, func(w []float32, _ float64) float64 {
		s := graph.Stats{Count: len(w)}
		for _, v := range w {
			s.Sum += float64(v)
			s.SumSquares += float64(v) * float64(v)
		}
		mean, deviation := meanDeviation(s)
		return (math.Abs(mean) + 3*deviation) / math.Exp2(float64(o.Bits-1))
	})
}

// Activation implements [Method].
func (LSQPlus) Activation(g *graph.Graph, name string, o Options) Activation {
	a := newLSQActivation(g, name, o)
	top := float64(a.formula.Most)
	a.gain = gradientScale(o.Size, a.formula.Most)
	if o.Signed {
		a.offset = g.Param(name+".offset", graph.Clips, 1)
		a.formula.Shifted = true
	}
	a.start = func(s graph.Stats) (step, offset float64) {
		lo, hi := gaussianRange(s, o.Bits, o.Signed)
		return (hi - lo) / top, lo
	}
	return a
}
