// SPDX-License-Identifier: Apache-2.0

package qat

import (
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/internal/kernel"
	"github.com/goqat/goqat/quant"
	"github.com/goqat/goqat/ste"
)

// Int is the method "int": uniform quantization with ranges that follow the
// data (Jacob et al. 2018, sections 2.1 and 3; Krishnamoorthi 2018, section 3).
// Weights are symmetric, narrow range, one scale a channel; activations are
// unsigned codes with a zero point, one scale a tensor.
type Int struct {
	// FixedRanges keeps the scales of weights and the ranges of activations as they
	// are given: by a calibration or a checkpoint. Weights that were given no
	// scale take the scale of max|w| when quantization starts.
	FixedRanges bool
}

// Info implements [Method].
func (Int) Info() Info {
	return Info{
		Name:           "int",
		For:            "8 bits, the method to take first: ranges are watched, nothing is learned beside the weights",
		Paper:          "Jacob et al. 2018, arXiv:1712.05877",
		WeightBits:     []int{2, 3, 4, 5, 6, 7, 8},
		ActivationBits: []int{2, 3, 4, 5, 6, 7, 8},
		Usual:          Widths{8, 8},
		Integers:       true,
		EWGS:           true,
		Steady:         true,
		PowersOfTwo:    true,
		Online:         true,
	}
}

// Weights implements [Method].
func (i Int) Weights(g *graph.Graph, name string, o Options, shape []int) Weights {
	if i.FixedRanges {
		return newFixedWeights(name, o, shape)
	}
	return newSymmetricWeights(g, name, o, shape)
}

// Activation implements [Method].
func (i Int) Activation(_ *graph.Graph, name string, o Options) Activation {
	a := &affineActivation{name: name, bits: o.Bits, fixed: i.FixedRanges, powerOfTwo: o.PowerOfTwo, ewgs: o.ewgs(), observer: Observer{Decay: movingAverageDecay}}
	if o.MinMax {
		a.observer.Decay = 0
	}
	if o.Online {
		return newOnlineActivation(*a, o)
	}
	a.format = ste.Affine{Format: quant.Activation(o.Bits), Params: make([]quant.Params, 1)}
	return a
}

// movingAverageDecay is the memory of the moving-average observer: about the
// last hundred batches.
const movingAverageDecay = 0.99

// leastScale is the least scale in use, the smallest normal float32: a tensor or
// a channel that is 0 throughout has the scale 1 instead.
const leastScale = 0x1p-126

// affineActivation quantizes a tensor by its observed range.
type affineActivation struct {
	name       string
	bits       int
	powerOfTwo bool
	fixed      bool // the range stays as it is given
	observer   Observer
	format     ste.Affine
	ewgs       ste.EWGS
}

func (a *affineActivation) Params() []*graph.Param     { return nil }
func (a *affineActivation) Bits() int                  { return a.bits }
func (a *affineActivation) Begin(*graph.Run)           { a.format.Params[0] = a.Quantization().Params }
func (a *affineActivation) Forward(dst, src []float32) { a.format.Forward(dst, src) }
func (a *affineActivation) Constrain()                 {}

func (a *affineActivation) Observe(_ *graph.Run, s graph.Stats) {
	if !a.fixed || a.observer.state[2] == 0 {
		a.observer.Observe(s)
	}
}

func (a *affineActivation) Backward(dx, src, dy []float32, _ []float64) {
	a.format.Backward(dx, src, dy)
	a.ewgs.ScaleAffine(dx, src, &a.format)
}

// Gate implements [graph.Gated].
func (a *affineActivation) Gate() (kernel.Limits, bool) { return a.format.Gate(), a.ewgs.Delta == 0 }

// Spill implements [graph.Gated].
func (a *affineActivation) Spill(kernel.Spills, []float64) {}

// Steps implements [graph.Stepped].
func (a *affineActivation) Steps() graph.Steps {
	return stepsOf(Quantization{a.format.Params[0], a.format.Format.Min(), a.format.Format.Max()})
}

// Restart forgets the range, unless it is fixed.
func (a *affineActivation) Restart() {
	if !a.fixed {
		a.observer.state = [3]float32{}
	}
}

// SetRange implements [Ranged].
func (a *affineActivation) SetRange(lo, hi float32) { a.observer.state = [3]float32{lo, hi, 1} }

// Symmetric implements [Ranged].
func (a *affineActivation) Symmetric() bool { return false }

// Quantization spreads the codes over the observed range: scale (hi − lo)/(2^b − 1),
// zero point RNE(−lo/scale); a power of two is the next above. As long as
// the range is not known, the scale is 1.
func (a *affineActivation) Quantization() Quantization {
	lo, hi, _ := a.observer.Range()
	f := quant.Activation(a.bits)
	q := Quantization{Params: quant.Params{Scale: 1}, Hi: f.Max()}
	scale := (hi - lo) / float32(f.Max())
	if a.powerOfTwo {
		scale = float32(quant.PowerOfTwoAbove(float64(scale)))
	}
	if scale >= leastScale {
		q.Params = quant.Params{Scale: scale, ZeroPoint: f.Quantize(-lo, scale, 0)}
	}
	return q
}

func (a *affineActivation) State() []graph.State {
	return []graph.State{{Name: a.name + ".observer", Data: a.observer.state[:]}}
}
