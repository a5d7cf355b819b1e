// SPDX-License-Identifier: Apache-2.0

package qat

import (
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/internal/kernel"
	"github.com/goqat/goqat/quant"
	"github.com/goqat/goqat/ste"
)

// unitActivation clips a tensor at 1 (see ste.Clip), as dorefa and wrpn do: at 0
// and 1 if it is rectified, else at −1 and 1, as long as its bits have a code
// for each sign.
type unitActivation struct {
	bits    int
	formula ste.Clip
	ewgs    ste.EWGS
}

func newUnitActivation(_ *graph.Graph, _ string, o Options) Activation {
	a := &unitActivation{bits: o.Bits, ewgs: o.ewgs()}
	a.formula.Most = float32(quant.Activation(o.Bits).Max())
	if o.Signed && o.Bits > 1 {
		a.formula.Most = float32(quant.Weight(o.Bits).Max())
		a.formula.Least = -a.formula.Most
	}
	a.formula.Scale = 1 / a.formula.Most
	return a
}

func (a *unitActivation) Params() []*graph.Param          { return nil }
func (a *unitActivation) Bits() int                       { return a.bits }
func (a *unitActivation) Begin(*graph.Run)                {}
func (a *unitActivation) Forward(dst, src []float32)      { a.formula.Forward(dst, src) }
func (a *unitActivation) Observe(*graph.Run, graph.Stats) {}
func (a *unitActivation) State() []graph.State            { return nil }
func (a *unitActivation) Constrain()                      {}

func (a *unitActivation) Backward(dx, src, dy []float32, _ []float64) {
	a.formula.Backward(dx, src, dy)
	a.ewgs.Scale(dx, src, a.formula.Scale)
}

// Gate implements [graph.Gated].
func (a *unitActivation) Gate() (kernel.Limits, bool) { return a.formula.Gate(), a.ewgs.Delta == 0 }

// Spill implements [graph.Gated].
func (a *unitActivation) Spill(kernel.Spills, []float64) {}

// Steps implements [graph.Stepped].
func (a *unitActivation) Steps() graph.Steps { return stepsOf(a.Quantization()) }

func (a *unitActivation) Quantization() Quantization {
	z := int32(-a.formula.Least)
	return Quantization{quant.Params{Scale: a.formula.Scale, ZeroPoint: z}, 0, z + int32(a.formula.Most)}
}
