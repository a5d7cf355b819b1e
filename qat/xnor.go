// SPDX-License-Identifier: Apache-2.0

package qat

import (
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/ste"
)

// XNOR is the method "xnor": weights are signs with a scale for each filter (or
// layer), its mean magnitude, with the gradient of ste.XNOR; activations are
// signs (Rastegari et al. 2016, sections 3.1 and 3.2). As in the authors' code,
// latent weights are centred after every step, over the c input channels of each
// filter and place, and clipped to [−1, 1], and their gradient is multiplied by
// n·(1 − 1/c) for the n weights of a filter. With one input channel, weights
// are not centred and the factor is n.
type XNOR struct{}

// Info implements [Method].
func (XNOR) Info() Info {
	return Info{
		Name:           "xnor",
		For:            "1 bit throughout, with a scale for each channel",
		Paper:          "Rastegari et al. 2016, arXiv:1603.05279",
		WeightBits:     []int{1},
		ActivationBits: []int{1},
		Usual:          Widths{1, 1},
		Integers:       true,
		Signs:          true,
	}
}

// Weights implements [Method].
func (XNOR) Weights(_ *graph.Graph, _ string, o Options, shape []int) Weights {
	x := &xnorWeights{formula: make([]ste.XNOR, o.scales(shape)), inputs: shape[len(shape)-1]}
	x.gain = float32(count(shape)) / float32(len(x.formula))
	if x.inputs > 1 {
		x.gain *= 1 - 1/float32(x.inputs)
	}
	return x
}

// Activation implements [Method].
func (XNOR) Activation(*graph.Graph, string, Options) Activation {
	return signActivation{ste.Sign{Open: true}}
}

// xnorWeights are signs of latent weights times their mean magnitude.
type xnorWeights struct {
	measured
	formula []ste.XNOR // by filter
	inputs  int        // channels
	gain    float32    // of the gradient
}

func (x *xnorWeights) Bits() int { return 1 }

// each calls f for the weights of every filter, fitted.
func (x *xnorWeights) each(w []float32, f func(lo, hi int, x *ste.XNOR)) {
	size := len(w) / len(x.formula)
	for c := range x.formula {
		lo, hi := c*size, (c+1)*size
		x.formula[c].Fit(w[lo:hi])
		f(lo, hi, &x.formula[c])
	}
}

func (x *xnorWeights) Forward(dst, w []float32) {
	x.each(w, func(lo, hi int, x *ste.XNOR) {
		for i := lo; i < hi; i++ {
			dst[i] = ste.SignOf(w[i]) * x.Scale
		}
	})
}

func (x *xnorWeights) Backward(dw, w, dy []float32, _ [][]float32) {
	size := len(w) / len(x.formula)
	for c := range x.formula {
		lo, hi := c*size, (c+1)*size
		x.formula[c].Backward(dw[lo:hi], w[lo:hi], dy[lo:hi])
	}
	for i := range dw {
		dw[i] *= x.gain
	}
}

// StepSizes implements [ste.Stepped].
func (x *xnorWeights) StepSizes(steps []float32) (all []float32, most int) {
	for c := range x.formula {
		steps = append(steps, x.formula[c].Scale)
	}
	return steps, 1
}

func (x *xnorWeights) Integers(codes []int16, w []float32) []float32 {
	var scale []float32
	x.each(w, func(lo, hi int, x *ste.XNOR) {
		for i := lo; i < hi; i++ {
			codes[i] = int16(ste.SignOf(w[i]))
		}
		scale = append(scale, x.Scale)
	})
	return scale
}

// Constrain centres and clips the latent weights. With one input channel there
// is no mean to subtract.
func (x *xnorWeights) Constrain(w []float32) {
	if x.inputs > 1 {
		for lo := 0; lo < len(w); lo += x.inputs {
			place := w[lo : lo+x.inputs]
			var sum float64
			for _, v := range place {
				sum += float64(v)
			}
			mean := float32(sum / float64(len(place)))
			for i := range place {
				place[i] -= mean
			}
		}
	}
	clipLatent(w)
}
