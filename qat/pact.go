// SPDX-License-Identifier: Apache-2.0

package qat

import (
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/internal/kernel"
	"github.com/goqat/goqat/ste"
)

// PACT is the method "pact": activations are clipped at a learned α, one a
// tensor, in a parameter group with a decay of its own (Choi et al. 2018,
// section 3); weights are symmetric per channel.
type PACT struct{}

// Info implements [Method].
func (PACT) Info() Info {
	return Info{
		Name:           "pact",
		For:            "4 bits, the method to take first below 8: learns where activations are clipped",
		Paper:          "Choi et al. 2018, arXiv:1805.06085",
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
func (PACT) Weights(g *graph.Graph, name string, o Options, shape []int) Weights {
	return newSymmetricWeights(g, name, o, shape)
}

// Activation implements [Method].
func (PACT) Activation(g *graph.Graph, name string, o Options) Activation {
	a := &pactActivation{formula: ste.PACT{Bits: o.Bits, Signed: o.Signed, PowerOfTwo: o.PowerOfTwo}, ewgs: o.ewgs(), alpha: g.Param(name+".clip", graph.Clips, 1)}
	a.alpha.Value[0] = defaultClip
	return a
}

const (
	// defaultClip is α before calibration: the initial value of MQBench.
	defaultClip = 6
	// leastClip and mostClip bound α whatever the optimizer does.
	leastClip = 1e-3
	mostClip  = 1e6
)

// pactActivation clips a tensor at a learned α.
type pactActivation struct {
	formula ste.PACT
	alpha   *graph.Param
	ewgs    ste.EWGS
}

func (a *pactActivation) Params() []*graph.Param     { return []*graph.Param{a.alpha} }
func (a *pactActivation) Bits() int                  { return a.formula.Bits }
func (a *pactActivation) Begin(*graph.Run)           { a.formula.SetAlpha(a.alpha.Value[0]) }
func (a *pactActivation) Forward(dst, src []float32) { a.formula.Forward(dst, src) }
func (a *pactActivation) State() []graph.State       { return nil }

func (a *pactActivation) Backward(dx, src, dy []float32, grad []float64) {
	grad[0] += a.formula.Backward(dx, src, dy)
	if a.ewgs.Delta != 0 {
		p, _, _ := a.formula.Quantization()
		a.ewgs.Scale(dx, src, p.Scale)
	}
}

// Gate implements [graph.Gated].
func (a *pactActivation) Gate() (kernel.Limits, bool) { return a.formula.Gate(), a.ewgs.Delta == 0 }

// Spill implements [graph.Gated].
func (a *pactActivation) Spill(s kernel.Spills, grad []float64) { grad[0] += a.formula.Spill(s) }

// Quantization returns the scale and the codes that the clip gives.
func (a *pactActivation) Quantization() Quantization {
	a.formula.SetAlpha(a.alpha.Value[0])
	p, lo, hi := a.formula.Quantization()
	return Quantization{p, lo, hi}
}

// Steps implements [graph.Stepped].
func (a *pactActivation) Steps() graph.Steps {
	p, lo, hi := a.formula.Quantization()
	return stepsOf(Quantization{p, lo, hi})
}

// Observe starts α, in a calibration, at the clip that is best for values of a
// normal distribution (rectified, if the tensor is): a multiple of the deviation
// that grows with the bits, but not beyond the greatest value.
func (a *pactActivation) Observe(r *graph.Run, s graph.Stats) {
	if !r.Calibrate || s.Count == 0 {
		return
	}
	lo, hi := gaussianRange(s, a.Bits(), a.formula.Signed)
	a.alpha.Value[0] = float32(max(-lo, hi))
	a.Constrain()
}

// SetRange implements [Ranged]: the clip is the farther end of the range.
func (a *pactActivation) SetRange(lo, hi float32) {
	a.alpha.Value[0] = max(-lo, hi)
	a.Constrain()
}

// Symmetric implements [Ranged].
func (a *pactActivation) Symmetric() bool { return a.formula.Signed }

// Rectifies implements [graph.Rectifier].
func (a *pactActivation) Rectifies() bool { return !a.formula.Signed }

// Constrain keeps α positive; a clip that is not a number starts over.
func (a *pactActivation) Constrain() { confine(a.alpha.Value, leastClip, mostClip, defaultClip) }
