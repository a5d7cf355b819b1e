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

// Image returns the quantizer of an image, 8-bit codes of the given scale s and
// zero point z, for fewer bits: the scale is S = s·255/(2^bits − 1), or the next
// power of two, and the zero point RNE(z·s/S). It is the same for all methods and
// learns nothing.
func Image(bits int, p quant.Params, powerOfTwo bool) Activation {
	narrow, wide := quant.Activation(bits), quant.Activation(ImageBits)
	scale := float64(p.Scale) * float64(wide.Max()) / float64(narrow.Max())
	if powerOfTwo {
		scale = quant.PowerOfTwoAbove(scale)
	}
	return &imageActivation{ste.Affine{Format: narrow, Params: []quant.Params{{
		Scale:     float32(scale),
		ZeroPoint: int32(math.RoundToEven(float64(p.ZeroPoint) * float64(p.Scale) / scale)),
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

// Steps implements [graph.Stepped].
func (a *imageActivation) Steps() graph.Steps { return stepsOf(a.Quantization()) }

func (a *imageActivation) Quantization() Quantization {
	return Quantization{a.format.Params[0], 0, a.format.Format.Max()}
}
