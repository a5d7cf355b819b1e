// SPDX-License-Identifier: Apache-2.0

package qat

import (
	"math"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/quant"
	"github.com/goqat/goqat/ste"
)

// Signs is an Activation whose codes hold signs: with Bits of them, the value of
// a code is Σ scaleₙ·(±1), + where bit n is 1. Such a tensor has no zero; it is
// padded with the code 0. Its Quantization has scale 1 and zero point 0.
type Signs interface {
	Activation
	// Levels are the values from which on each sign is +1. They rise.
	Levels() []float64
	// Scales are what the signs stand for, in the order of Levels.
	Scales() []float32
	// Learned is the parameter whose values the scales are, nil if they are 1.
	Learned() *graph.Param
}

// signQuantization is the Quantization of signs.
func signQuantization(signs int) Quantization {
	return Quantization{Params: quant.Params{Scale: 1}, Hi: quant.Activation(signs).Max()}
}

// signActivation replaces a tensor by its signs.
type signActivation struct{ formula ste.Sign }

func (a signActivation) Params() []*graph.Param          { return nil }
func (a signActivation) Bits() int                       { return 1 }
func (a signActivation) Begin(*graph.Run)                {}
func (a signActivation) Forward(dst, src []float32)      { a.formula.Forward(dst, src) }
func (a signActivation) Observe(*graph.Run, graph.Stats) {}
func (a signActivation) State() []graph.State            { return nil }
func (a signActivation) Constrain()                      {}
func (a signActivation) Quantization() Quantization      { return signQuantization(1) }
func (a signActivation) Levels() []float64               { return []float64{0} }
func (a signActivation) Scales() []float32               { return []float32{1} }
func (a signActivation) Learned() *graph.Param           { return nil }

// Steps implements [graph.Stepped].
func (a signActivation) Steps() graph.Steps { return graph.Steps{Step: 1, Least: -1, Most: 1} }

func (a signActivation) Backward(dx, src, dy []float32, _ []float64) {
	a.formula.Backward(dx, src, dy)
}

// clipLatent brings latent weights back to [−1, 1], beyond which they would only
// take longer to change their sign (Courbariaux et al. 2015, section 2.4). What
// is not a number stays, to be noticed.
func clipLatent(w []float32) {
	for i, v := range w {
		w[i] = min(max(v, -1), 1)
	}
}

// unitScale is the scale of weights that are ±1 in the paper's networks, where a
// batch normalization takes it out again. Where none follows, √(2/n) for n
// weights a filter keeps the size of the layer's values (He et al. 2015).
func unitScale(norm bool, shape []int) float32 {
	if norm {
		return 1
	}
	return float32(math.Sqrt(2 / float64(count(shape[1:]))))
}
