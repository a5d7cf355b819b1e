// SPDX-License-Identifier: Apache-2.0

package qat

import (
	"math"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/quant"
	"github.com/goqat/goqat/ste"
)

// ImageBits is the width of an image's codes.
const ImageBits = 8

// imageActivation narrows an image: the codes of fewer bits are spread over the
// whole range of its own.
type imageActivation struct{ format ste.Affine }

// Image returns the quantizer of an image, 8-bit codes of the given scale and
// zero point, for fewer bits: with m = (2^bits − 1)/255 the scale becomes
// scale/m and the zero point RNE(m·zero point). It is the same for all methods
// and learns nothing.
func Image(bits int, p quant.Params) Activation {
	narrow, wide := quant.Activation(bits), quant.Activation(ImageBits).Max()
	m := float64(narrow.Max()) / float64(wide)
	return &imageActivation{ste.Affine{Format: narrow, Params: []quant.Params{{
		Scale:     float32(float64(p.Scale) / m),
		ZeroPoint: int32(math.RoundToEven(m * float64(p.ZeroPoint))),
	}}}}
}

func (a *imageActivation) Params() []*graph.Param          { return nil }
func (a *imageActivation) Bits() int                       { return a.format.Format.Bits }
func (a *imageActivation) Begin(*graph.Run)                {}
func (a *imageActivation) Forward(dst, src []float32)      { a.format.Forward(dst, src) }
func (a *imageActivation) Observe(*graph.Run, graph.Stats) {}
func (a *imageActivation) State() []graph.State            { return nil }
func (a *imageActivation) Constrain()                      {}

func (a *imageActivation) Backward(dx, src, dy []float32, _ []float64) {
	a.format.Backward(dx, src, dy)
}

func (a *imageActivation) Quantization() Quantization {
	return Quantization{a.format.Params[0], 0, a.format.Format.Max()}
}
