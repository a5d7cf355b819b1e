// SPDX-License-Identifier: Apache-2.0

package describe

import (
	"slices"

	"github.com/goqat/goqat/energy"
	"github.com/goqat/goqat/export"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/qmodel"
)

// floatBits stand for a float32 where bits are counted.
const floatBits = 32

// floating says whether a layer computes in floating point.
func (l *Layer) floating() bool {
	return l.WeightBits == floatBits || l.ActivationBits == floatBits
}

// Network describes a network that has no integers: the bits are those of
// its quantizers where the pass has them on, else those of float32.
func Network(n *layers.Network, p graph.Pass) *Description {
	d := &Description{
		Model: n.Name, Method: n.Policy.Method.Info().Name, Classes: n.Classes, Input: [3]int{n.Input.Height, n.Input.Width, n.Input.Channels},
	}
	for _, u := range n.Units {
		if !u.Kind.TrainingOnly() {
			d.Layers = append(d.Layers, unit(u, p.Quantize))
		}
	}
	d.estimate()
	return d
}

func unit(u *layers.Unit, quantized bool) Layer {
	out := u.Output
	l := Layer{
		Name: u.Name, Operator: export.OperatorName(u.Kind), ActivationBits: tensorBits(u.Input(), quantized), Shape: []int{},
		Output: [3]int{out.Height, out.Width, out.Channels},
	}
	if o := (qmodel.Operator{Op: l.Operator}); o.Aliases() {
		return l
	}
	w := &l.work
	w.InputBits = l.ActivationBits
	for _, t := range append(slices.Clone(u.Inputs), out) {
		n := int64(t.Size())
		w.Activations.Values += n
		w.Activations.Bits += n * int64(tensorBits(t, quantized))
	}
	outputs := int64(out.Height) * int64(out.Width) * int64(out.Channels)
	w.Adds = outputs * int64(len(u.Added()))
	if u.Kind.Averages() {
		w.Adds = outputs * int64(u.Window.Taps())
	}
	if !u.Kind.Weighted() {
		return l
	}
	l.WeightBits, l.Shape = floatBits, u.Weight.Shape
	if quantized && u.Quantizer != nil {
		l.Method, l.WeightBits = u.Assigned.Weights.Info().Name, u.Quantizer.Bits()
	}
	weights := int64(len(u.Weight.Value))
	l.MACs = int64(out.Height) * int64(out.Width) * weights
	l.Bytes = int(4 * weights) // shadow weights are float32
	w.MACs, w.WeightBits = l.MACs, l.WeightBits
	w.Weights = energy.Numbers{Values: weights, Bits: weights * int64(l.WeightBits)}
	return l
}

// tensorBits returns the bits of a tensor's values: 8 for an image, 32 in floating point.
func tensorBits(t *layers.Tensor, quantized bool) int {
	switch o := t.Origin(); {
	case o.Source == nil:
		return 8
	case quantized && o.Quantizer != nil:
		return o.Quantizer.Bits()
	}
	return floatBits
}
