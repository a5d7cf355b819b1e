// SPDX-License-Identifier: Apache-2.0

package qat

import (
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/internal/kernel"
	"github.com/goqat/goqat/quant"
	"github.com/goqat/goqat/ste"
)

// onlineActivation quantizes a tensor by the range of each image. What it observes only
// chooses the scale of the integers that the range is taken from (docs/numerics.md,
// 3.16).
type onlineActivation struct {
	affineActivation
	rule ste.Online
}

func newOnlineActivation(a affineActivation, o Options) *onlineActivation {
	return &onlineActivation{a, ste.Online{Bits: o.Bits, Signed: o.Signed}}
}

var _ graph.ImageQuantizer = (*onlineActivation)(nil)

// ByImage implements [graph.ImageQuantizer].
func (a *onlineActivation) ByImage() bool { return true }

// ForwardImage implements [graph.ImageQuantizer].
func (a *onlineActivation) ForwardImage(dst, src []float32) { a.rule.ForwardImage(dst, src) }

func (a *onlineActivation) Begin(*graph.Run) {}

// Steps implements [graph.Stepped]: each image has a step of its own.
func (a *onlineActivation) Steps() graph.Steps { return graph.Steps{} }

// Forward quantizes src as one image.
func (a *onlineActivation) Forward(dst, src []float32) { a.rule.ForwardImage(dst, src) }

func (a *onlineActivation) Backward(dx, _, dy []float32, _ []float64) { a.rule.Backward(dx, dy) }

// Gate implements [graph.Gated]: no gradient is stopped, that of a value which is no number neither.
func (a *onlineActivation) Gate() (l kernel.Limits, ok bool) { return l, false }

// valueBits is how fine the values are: the greatest that was observed is about 2^20 of
// their steps, fixed.TypicalValue.
const valueBits = 20

// Quantization has the scale of the values, a power of two, of which each image's is a
// multiple. A range not known yet is that of 1.
func (a *onlineActivation) Quantization() Quantization {
	lo, hi, _ := a.observer.Range()
	most := max(-lo, hi)
	if !(most >= 0x1p-60 && most <= 0x1p60) {
		most = 1
	}
	scale := quant.PowerOfTwoAbove(float64(most)) / (1 << valueBits)
	return Quantization{
		Params: quant.Params{Scale: float32(scale), ZeroPoint: a.rule.ZeroPoint()}, Hi: quant.Activation(a.bits).Max(),
	}
}
