// SPDX-License-Identifier: Apache-2.0

package qat

import (
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/quant"
	"github.com/goqat/goqat/ste"
)

// fixedWeights quantizes weights as symmetricWeights do, with scales that are
// given once and kept. A scale of 0 was not given: it becomes the scale of max|w|
// when quantization starts.
type fixedWeights struct {
	measured
	name       string
	powerOfTwo bool
	scales     []float32
	affine     ste.Affine
	ewgs       ste.EWGS
}

func newFixedWeights(name string, o Options, shape []int) Weights {
	n := o.scales(shape)
	return &fixedWeights{name: name, powerOfTwo: o.PowerOfTwo, scales: make([]float32, n), affine: ste.Affine{Format: quant.Weight(o.Bits), Params: make([]quant.Params, n)}, ewgs: o.ewgs()}
}

func (f *fixedWeights) Bits() int         { return f.affine.Format.Bits }
func (f *fixedWeights) Scales() []float32 { return f.scales }

func (f *fixedWeights) State() []graph.State {
	return []graph.State{{Name: f.name + ".scale", Data: f.scales}}
}

func (f *fixedWeights) Start(w []float32) {
	size := len(w) / len(f.scales)
	whole := symmetricWeights{affine: ste.Affine{Format: f.affine.Format}}
	for c, s := range f.scales {
		if s == 0 {
			f.scales[c] = whole.covering(w[c*size : (c+1)*size])
		}
	}
}

// use has the formula take the scales as they are, or the powers of two next above.
func (f *fixedWeights) use() {
	for c, s := range f.scales {
		if !(s >= leastScale) {
			s = 1
		}
		if f.powerOfTwo {
			s = float32(quant.PowerOfTwoAbove(float64(s)))
		}
		f.affine.Params[c].Scale = s
	}
}

func (f *fixedWeights) Forward(dst, w []float32) {
	f.use()
	f.affine.Forward(dst, w)
}

func (f *fixedWeights) Backward(dw, w, dy []float32, _ [][]float32) {
	f.affine.Backward(dw, w, dy)
	f.ewgs.ScaleAffine(dw, w, &f.affine)
}

// StepSizes implements [ste.Stepped].
func (f *fixedWeights) StepSizes(steps []float32) (all []float32, most int) {
	return f.affine.StepSizes(steps)
}

func (f *fixedWeights) Integers(codes []int16, w []float32) []float32 {
	f.use()
	f.affine.Codes(codes, w)
	scales := make([]float32, len(f.scales))
	for c, p := range f.affine.Params {
		scales[c] = p.Scale
	}
	return scales
}
