// SPDX-License-Identifier: Apache-2.0

package qat

import (
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/ste"
)

// TWN is the method "twn": weights are −α, 0 and α, with threshold and scale of
// ste.TWN for each filter, or as in the paper for each layer (Li, Liu 2016,
// section 2). Activations are quantized as by "int".
type TWN struct{}

// Info implements [Method].
func (TWN) Info() Info {
	return Info{
		Name:           "twn",
		For:            "weights of -1, 0 and 1, with one scale",
		Paper:          "Li, Liu 2016, arXiv:1605.04711",
		WeightBits:     []int{2},
		ActivationBits: Int{}.Info().ActivationBits,
		Usual:          Widths{2, 8},
		Integers:       true,
	}
}

// Weights implements [Method].
func (TWN) Weights(_ *graph.Graph, _ string, o Options, shape []int) Weights {
	return &twnWeights{formula: make([]ste.TWN, o.scales(shape))}
}

// Activation implements [Method], as [Int] does.
func (TWN) Activation(g *graph.Graph, name string, o Options) Activation {
	return Int{}.Activation(g, name, o)
}

// twnWeights are ternary with one scale.
type twnWeights struct {
	measured
	formula []ste.TWN // by filter
}

func (t *twnWeights) Bits() int { return 2 }

// each calls f for the weights of every filter, fitted.
func (t *twnWeights) each(w []float32, f func(lo, hi int, t *ste.TWN)) {
	size := len(w) / len(t.formula)
	for c := range t.formula {
		lo, hi := c*size, (c+1)*size
		t.formula[c].Fit(w[lo:hi])
		f(lo, hi, &t.formula[c])
	}
}

func (t *twnWeights) Forward(dst, w []float32) {
	t.each(w, func(lo, hi int, t *ste.TWN) {
		for i := lo; i < hi; i++ {
			dst[i] = float32(t.Code(w[i])) * t.Scale
		}
	})
}

func (t *twnWeights) Backward(dw, _, dy []float32, _ [][]float32) { copy(dw, dy) }

// StepSizes implements [ste.Stepped].
func (t *twnWeights) StepSizes(steps []float32) (all []float32, most int) {
	for c := range t.formula {
		steps = append(steps, t.formula[c].Scale)
	}
	return steps, 1
}

func (t *twnWeights) Integers(codes []int16, w []float32) []float32 {
	var scale []float32
	t.each(w, func(lo, hi int, t *ste.TWN) {
		for i := lo; i < hi; i++ {
			codes[i] = t.Code(w[i])
		}
		scale = append(scale, t.Scale)
	})
	return scale
}
