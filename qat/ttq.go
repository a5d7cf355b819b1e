// SPDX-License-Identifier: Apache-2.0

package qat

import (
	"cmp"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/qat/settings"
	"github.com/goqat/goqat/quant"
	"github.com/goqat/goqat/ste"
)

// TTQ is the method "ttq": weights are −Wn, 0 and Wp, with two learned scales for
// each filter, or as in the paper for each layer (Zhu et al. 2017, section 3; the
// formulas are those of ste.TTQ). The threshold is t = 0.05 of the greatest weight.
// The scales start at the mean magnitudes of the weights they stand for; as in
// "lsq" their gradients, sums over n weights, are multiplied by 1/√n.
// Activations are quantized as by "int".
type TTQ settings.TTQ

// Info implements [Method].
func (TTQ) Info() Info {
	return Info{
		Name:           "ttq",
		For:            "weights of three values, with two learned scales",
		Paper:          "Zhu et al. 2017, arXiv:1612.01064",
		WeightBits:     []int{2},
		ActivationBits: Int{}.Info().ActivationBits,
		Usual:          Widths{2, 8},
		Integers:       true,
		Coding:         quant.Split,
	}
}

// Weights implements [Method].
func (m TTQ) Weights(g *graph.Graph, name string, o Options, shape []int) Weights {
	n := o.scales(shape)
	return &ttqWeights{
		threshold: float32(cmp.Or(m.Threshold, settings.DefaultTTQ().Threshold)), gain: gradientScale(count(shape)/n, 1),
		positive: g.Param(name+".positive", graph.Clips, n), negative: g.Param(name+".negative", graph.Clips, n),
	}
}

// Activation implements [Method], as [Int] does.
func (TTQ) Activation(g *graph.Graph, name string, o Options) Activation {
	return Int{}.Activation(g, name, o)
}

// ttqWeights are ternary with two learned scales.
type ttqWeights struct {
	measured
	threshold          float32
	formula            ste.TTQ
	gain               float64
	positive, negative *graph.Param // Wp and Wn, by filter
}

func (t *ttqWeights) Bits() int              { return 2 }
func (t *ttqWeights) Coding() quant.Coding   { return quant.Split }
func (t *ttqWeights) Params() []*graph.Param { return []*graph.Param{t.positive, t.negative} }

// each calls f for the weights of every filter with their formula.
func (t *ttqWeights) each(w []float32, f func(c, lo, hi int, t *ste.TTQ)) {
	size := len(w) / len(t.positive.Value)
	for c := range t.positive.Value {
		lo, hi := c*size, (c+1)*size
		t.formula.Positive, t.formula.Negative = t.positive.Value[c], t.negative.Value[c]
		t.formula.Fit(w[lo:hi], t.threshold)
		f(c, lo, hi, &t.formula)
	}
}

func (t *ttqWeights) Start(w []float32) {
	t.each(w, func(c, lo, hi int, f *ste.TTQ) {
		f.Start(w[lo:hi])
		t.positive.Value[c], t.negative.Value[c] = f.Positive, f.Negative
	})
	t.Constrain(w)
}

func (t *ttqWeights) Forward(dst, w []float32) {
	t.each(w, func(_, lo, hi int, t *ste.TTQ) { t.Forward(dst[lo:hi], w[lo:hi]) })
}

func (t *ttqWeights) Backward(dw, w, dy []float32, grad [][]float32) {
	t.each(w, func(c, lo, hi int, f *ste.TTQ) {
		positive, negative := f.Backward(dw[lo:hi], w[lo:hi], dy[lo:hi])
		grad[0][c], grad[1][c] = float32(positive*t.gain), float32(negative*t.gain)
	})
}

// StepSizes implements [ste.Stepped].
func (t *ttqWeights) StepSizes(steps []float32) (all []float32, most int) {
	return append(append(steps, t.positive.Value...), t.negative.Value...), 1
}

func (t *ttqWeights) Integers(codes []int16, w []float32) []float32 {
	t.each(w, func(_, lo, hi int, t *ste.TTQ) {
		for i := lo; i < hi; i++ {
			codes[i] = t.Code(w[i])
		}
	})
	return append(append([]float32(nil), t.positive.Value...), t.negative.Value...)
}

// Constrain keeps the scales positive.
func (t *ttqWeights) Constrain([]float32) {
	confine(t.positive.Value, leastStep, mostStep, 1)
	confine(t.negative.Value, leastStep, mostStep, 1)
}
