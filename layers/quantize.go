// SPDX-License-Identifier: Apache-2.0

package layers

import (
	"fmt"
	"slices"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/qat"
)

// applyPolicy decides the quantization of every weighted unit.
func (n *Network) applyPolicy() error {
	first := true
	for _, u := range n.Units {
		if !u.Weighted() {
			continue
		}
		var err error
		if u.Policy, err = n.Policy.Layer(u.Name, first, u.Output == n.Logits); err != nil {
			return err
		}
		u.stages = make([]qat.Layer, len(n.Policy.Stages)+1)
		for k := range u.stages {
			if u.stages[k], err = n.Policy.At(k, u.Name, u.Policy); err != nil {
				return err
			}
		}
		u.inner = !first && u.Output != n.Logits
		first = false
	}
	return nil
}

// asked returns what the weighted layers that read t ask for in a stage, the
// widest, and false if there is none. A layer whose input stays in floating point
// asks for nothing.
func (n *Network) asked(t *Tensor, stage int) (want qat.Layer, ok bool, err error) {
	for _, u := range t.readers {
		var l qat.Layer
		var asks bool
		switch {
		case u.passes():
			l, asks, err = n.asked(u.Output, stage)
		case u.Kind == Average:
			l, err = n.tensor(t, stage)
			asks = !l.FloatInput()
		case u.Weighted() && u.Input == t:
			l = u.stages[stage]
			asks = !l.FloatInput()
		case u.Kind == Sign:
			l, asks = qat.Eight(), true
		}
		if err != nil {
			return want, ok, err
		}
		if asks && (!ok || l.ActivationBits > want.ActivationBits) {
			want, ok = l, true
		}
	}
	return want, ok, nil
}

// tensor returns what t gets in a stage if no weighted layer reads it.
func (n *Network) tensor(t *Tensor, stage int) (qat.Layer, error) {
	l, err := n.Policy.Tensor()
	if err != nil {
		return l, err
	}
	return n.Policy.At(stage, t.Name, l)
}

// float says whether t is read alone by layers whose input stays in floating
// point in a stage.
func (n *Network) float(t *Tensor, stage int) bool {
	for _, u := range t.readers {
		switch {
		case u.passes() && n.float(u.Output, stage):
		case u.Weighted() && u.Input == t && u.stages[stage].FloatInput():
		case u.passes() || u.Weighted() && u.Input == t || u.Kind == Sign:
			return false
		default:
			if l, err := n.tensor(t, stage); err != nil || !l.FloatInput() {
				return false
			}
		}
	}
	return len(t.readers) > 0
}

// wanted returns how t is quantized in a stage, with FloatBits if it is not.
func (n *Network) wanted(t *Tensor, stage int) (qat.Layer, error) {
	if n.float(t, stage) {
		return qat.Layer{ActivationBits: qat.FloatBits}, nil
	}
	want, ok, err := n.asked(t, stage)
	if err == nil && !ok { // read by an addition only
		return n.tensor(t, stage)
	}
	return want, err
}

// quantizer makes the quantizer of a unit's result, nil if it has none.
func (n *Network) quantizer(u *Unit) (qat.Activation, error) {
	if u.Kind == Lookup {
		return qat.Image(u.bits, n.Input.Params, n.Policy.PowerOfTwo), nil
	}
	t := u.Output
	if t.Role != Codes {
		return nil, nil
	}
	var want qat.Layer
	bits := make([]int, len(n.Policy.Stages)+1)
	for k := range bits {
		var err error
		if want, err = n.wanted(t, k); err != nil {
			return nil, err
		}
		bits[k] = want.ActivationBits
	}
	if want.FloatInput() {
		return nil, nil
	}
	if u.Kind == Sign {
		want = u.Policy
	}
	signs := want.Input.Info().Signs
	if signs && slices.ContainsFunc(bits, func(b int) bool { return b != want.ActivationBits }) {
		return nil, fmt.Errorf("layers: %s: signs cannot be quantized in stages", t.Name)
	}
	width := func(bits int, last bool) qat.Activation {
		return want.Input.Activation(n.Graph, widthName(t.Name, bits, last), qat.Options{
			Bits: bits, Signed: u.signed(signs), Size: t.Height * t.Width * t.Channels, PowerOfTwo: n.Policy.PowerOfTwo, MinMax: n.Policy.MinMax,
		})
	}
	if len(bits) == 1 || signs {
		return width(want.ActivationBits, true), nil
	}
	return qat.NewStagedActivation(bits, width), nil
}

// weights makes the quantizer of a unit's weights.
func (n *Network) weights(u *Unit, shape []int) qat.Weights {
	bits := make([]int, len(u.stages))
	for k, l := range u.stages {
		bits[k] = l.WeightBits
	}
	width := func(bits int, last bool) qat.Weights {
		return u.Policy.Weights.Weights(n.Graph, widthName(u.Weight.Name, bits, last), qat.Options{
			Bits: bits, PerTensor: n.Policy.PerTensor, PowerOfTwo: n.Policy.PowerOfTwo, Norm: u.norm,
		}, shape)
	}
	if len(bits) == 1 {
		return width(u.Policy.WeightBits, true)
	}
	return qat.NewStagedWeights(bits, width)
}

// widthName names the quantizer of a width: that for good after what it
// quantizes.
func widthName(name string, bits int, last bool) string {
	if last {
		return name
	}
	return fmt.Sprintf("%s.%dbits", name, bits)
}

// signed says whether the unit's result can be negative, in the float network or
// in the quantized one.
func (u *Unit) signed(float bool) bool {
	if u.Kind == Average || u.Kind == Sign {
		s := u.Input.Origin().Source
		return s == nil || s.signed(float)
	}
	return u.Activation == graph.Identity || !float && u.Replaced()
}
