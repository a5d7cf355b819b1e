// SPDX-License-Identifier: Apache-2.0

package qat

import (
	"cmp"
	"slices"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/quant"
	"github.com/goqat/goqat/ste"
)

// ABC is the method "abc": weights are sums of as many binary bases as they have
// bits, with least-squares scales for each filter or layer, activations sums of
// as many signs, with learned shifts and scales (Lin, Zhao, Pan 2017, section 3;
// the formulas are those of ste.Bases and ste.Steps).
//
// Shifts and scales start as the best quantization of the tensor, as the float
// network rectifies it, if its values are normally distributed.
type ABC struct{}

// Info implements [Method].
func (ABC) Info() Info {
	return Info{
		Name:           "abc",
		For:            "sums of several 1-bit layers: more accurate than one, larger",
		Paper:          "Lin, Zhao, Pan 2017, arXiv:1711.11294",
		WeightBits:     []int{1, 2, 3, 4, 5},
		ActivationBits: []int{1, 2, 3, 4, 5},
		Usual:          Widths{3, 3},
		Integers:       true,
		Signs:          true,
		Coding:         quant.Planes,
	}
}

// Weights implements [Method].
func (ABC) Weights(_ *graph.Graph, _ string, o Options, shape []int) Weights {
	a := &abcWeights{bits: o.Bits}
	for range o.scales(shape) {
		a.bases = append(a.bases, ste.NewBases(o.Bits))
	}
	return a
}

// Activation implements [Method].
func (ABC) Activation(g *graph.Graph, name string, o Options) Activation {
	a := &abcActivation{rectified: !o.Signed, shift: g.Param(name+".shift", graph.Clips, o.Bits), scale: g.Param(name+".scale", graph.Clips, o.Bits)}
	a.start(0, 1)
	return a
}

// abcWeights are sums of bases.
type abcWeights struct {
	measured
	bits  int
	bases []*ste.Bases // by filter
}

func (a *abcWeights) Bits() int            { return a.bits }
func (a *abcWeights) Coding() quant.Coding { return quant.Planes }

// each calls f for the weights of every filter, fitted.
func (a *abcWeights) each(w []float32, f func(lo, hi int, b *ste.Bases)) {
	size := len(w) / len(a.bases)
	for c, b := range a.bases {
		lo, hi := c*size, (c+1)*size
		b.Fit(w[lo:hi])
		f(lo, hi, b)
	}
}

func (a *abcWeights) Forward(dst, w []float32) {
	a.each(w, func(lo, hi int, b *ste.Bases) {
		for i := lo; i < hi; i++ {
			dst[i] = b.Value(b.Code(w[i]))
		}
	})
}

func (a *abcWeights) Backward(dw, _, dy []float32, _ [][]float32) {
	size := len(dw) / len(a.bases)
	for c, b := range a.bases {
		lo, hi := c*size, (c+1)*size
		b.Backward(dw[lo:hi], dy[lo:hi])
	}
}

func (a *abcWeights) Integers(codes []int16, w []float32) []float32 {
	a.each(w, func(lo, hi int, b *ste.Bases) {
		for i := lo; i < hi; i++ {
			codes[i] = int16(b.Code(w[i]))
		}
	})
	var scale []float32
	for k := range a.bits {
		for _, b := range a.bases {
			scale = append(scale, b.Scale[k])
		}
	}
	return scale
}

// abcActivation is a sum of signs.
type abcActivation struct {
	rectified    bool
	shift, scale *graph.Param
}

func (a *abcActivation) formula() *ste.Steps {
	return &ste.Steps{Shift: a.shift.Value, Scale: a.scale.Value}
}

func (a *abcActivation) Params() []*graph.Param     { return []*graph.Param{a.shift, a.scale} }
func (a *abcActivation) Bits() int                  { return len(a.shift.Value) }
func (a *abcActivation) Begin(*graph.Run)           {}
func (a *abcActivation) Forward(dst, src []float32) { a.formula().Forward(dst, src) }
func (a *abcActivation) State() []graph.State       { return nil }
func (a *abcActivation) Quantization() Quantization { return signQuantization(a.Bits()) }
func (a *abcActivation) Learned() *graph.Param      { return a.scale }

func (a *abcActivation) Backward(dx, src, dy []float32, grad []float64) {
	n := a.Bits()
	a.formula().Backward(dx, src, dy, grad[:n], grad[n:])
}

// order returns the signs by rising level.
func (a *abcActivation) order() []int {
	order := make([]int, a.Bits())
	for n := range order {
		order[n] = n
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(a.shift.Value[j], a.shift.Value[i]) })
	return order
}

func (a *abcActivation) Levels() []float64 {
	var levels []float64
	for _, n := range a.order() {
		levels = append(levels, float64(0.5-a.shift.Value[n]))
	}
	return levels
}

func (a *abcActivation) Scales() []float32 {
	var scales []float32
	for _, n := range a.order() {
		scales = append(scales, a.scale.Value[n])
	}
	return scales
}

// Observe starts shifts and scales in a calibration.
func (a *abcActivation) Observe(r *graph.Run, s graph.Stats) {
	if r.Calibrate && s.Count > 0 {
		mean, deviation := meanDeviation(s)
		a.start(mean, deviation)
		a.Constrain()
	}
}

// start sets the signs to the levels of the best quantization, and the scales to
// half the steps between its values.
func (a *abcActivation) start(mean, deviation float64) {
	n := a.Bits()
	level, value := lloydMax(n+1, a.rectified, mean, deviation)
	for i := range n {
		a.shift.Value[i] = float32(0.5 - level[i])
		a.scale.Value[i] = float32((value[i+1] - value[i]) / 2)
	}
}

const (
	// mostShift bounds shifts, and mostScale scales, whatever the optimizer does.
	mostShift = 1e3
	mostScale = 1e3
)

// Constrain keeps shifts and scales within bounds, and scales positive.
func (a *abcActivation) Constrain() {
	confine(a.shift.Value, -mostShift, mostShift, 0.5)
	confine(a.scale.Value, leastStep, mostScale, 1)
}
