// SPDX-License-Identifier: Apache-2.0

package qat

import (
	"math"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/quant"
	"github.com/goqat/goqat/ste"
)

// DoReFa is the method "dorefa" (Zhou et al. 2016, sections 2.3 and 2.4): the
// weights of a layer are squeezed by tanh and normalized (see ste.DoReFa), or
// with 1 bit replaced by their signs times their mean magnitude; activations
// are clipped at 1.
//
// The quantized weights reach up to 1, however small the weights are. In the
// paper's networks a batch normalization takes that out again. Where none
// follows, they reach up to max|tanh w| instead, so that the layer keeps its
// size.
type DoReFa struct{}

// Info implements [Method].
func (DoReFa) Info() Info {
	return Info{
		Name:           "dorefa",
		For:            "1 to 4 bits by fixed formulas, with quantized gradients if wanted: to compare with papers",
		Paper:          "Zhou et al. 2016, arXiv:1606.06160",
		WeightBits:     []int{1, 2, 3, 4, 5, 6, 7, 8},
		ActivationBits: []int{1, 2, 3, 4, 5, 6, 7, 8},
		Usual:          Widths{4, 4},
		Integers:       true,
		EWGS:           true,
		Coding:         quant.Odd,
	}
}

// Weights implements [Method].
func (DoReFa) Weights(_ *graph.Graph, _ string, o Options, shape []int) Weights {
	if o.Bits == 1 {
		return &signWeights{}
	}
	return &dorefaWeights{formula: ste.DoReFa{Bits: o.Bits}, channels: shape[0], norm: o.Norm, ewgs: o.ewgs()}
}

// Activation implements [Method].
func (DoReFa) Activation(g *graph.Graph, name string, o Options) Activation {
	return newUnitActivation(g, name, o)
}

// dorefaWeights squeezes weights to levels without a zero.
type dorefaWeights struct {
	measured
	formula   ste.DoReFa
	channels  int
	norm      bool
	amplitude float32
	ewgs      ste.EWGS
}

func (d *dorefaWeights) Bits() int            { return d.formula.Bits }
func (d *dorefaWeights) Coding() quant.Coding { return quant.Odd }
func (d *dorefaWeights) Channels() int        { return d.channels }

// Measure finds the amplitude.
func (d *dorefaWeights) Measure(w []float32) {
	d.amplitude = d.formula.Measure(w)
	if d.norm || d.amplitude == 0 {
		d.amplitude = 1
	}
}

// scale returns the scale of the codes.
func (d *dorefaWeights) scale() float32 { return d.amplitude / d.formula.Levels() }

func (d *dorefaWeights) Forward(dst, w []float32) {
	d.Measure(w)
	d.squeeze(dst, w, 0)
}

func (d *dorefaWeights) ForwardChannel(c int, dst, w []float32) { d.squeeze(dst, w, c*len(w)) }

func (d *dorefaWeights) squeeze(dst, w []float32, at int) {
	d.formula.Squeeze(dst, w, at, d.scale())
}

func (d *dorefaWeights) Backward(dw, _, dy []float32, _ [][]float32) {
	d.backward(dw, dy, 0)
}

func (d *dorefaWeights) BackwardChannel(c int, dw, _, dy []float32, _ [][]float32) {
	d.backward(dw, dy, c*len(dy))
}

func (d *dorefaWeights) backward(dw, dy []float32, at int) {
	d.formula.Backward(dw, dy, at, d.amplitude)
	d.ewgs.ScaleDoReFa(dw, &d.formula, at)
}

// StepSizes implements [ste.Stepped]: the codes are odd numbers.
func (d *dorefaWeights) StepSizes(steps []float32) (all []float32, most int) {
	return append(steps, d.scale()), int(d.formula.Levels())
}

func (d *dorefaWeights) Integers(codes []int16, w []float32) []float32 {
	d.Measure(w)
	whole := make([]float32, len(w))
	d.formula.Squeeze(whole, w, 0, 1)
	for i, code := range whole {
		codes[i] = int16(code)
	}
	return []float32{d.scale()}
}

// signWeights replaces the weights of a layer by sign(w)·mean|w|, sign(0) being
// +1. The gradient passes unchanged; the mean counts as a constant (Zhou et al.
// 2016, equation 7).
type signWeights struct {
	measured
	scale float32 // of the weights last quantized
}

func (s *signWeights) Bits() int { return 1 }

// StepSizes implements [ste.Stepped].
func (s *signWeights) StepSizes(steps []float32) (all []float32, most int) {
	return append(steps, s.scale), 1
}

func meanMagnitude(w []float32) float32 {
	var sum float64
	for _, v := range w {
		sum += math.Abs(float64(v))
	}
	return float32(sum / float64(len(w)))
}

func (s *signWeights) Forward(dst, w []float32) {
	s.scale = meanMagnitude(w)
	for i, v := range w {
		dst[i] = ste.SignOf(v) * s.scale
	}
}

func (s *signWeights) Backward(dw, _, dy []float32, _ [][]float32) { copy(dw, dy) }

func (s *signWeights) Integers(codes []int16, w []float32) []float32 {
	for i, v := range w {
		codes[i] = int16(ste.SignOf(v))
	}
	return []float32{meanMagnitude(w)}
}
