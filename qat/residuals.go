// SPDX-License-Identifier: Apache-2.0

package qat

import (
	"fmt"
	"slices"

	"github.com/goqat/goqat/network"
)

// Residuals says how many bits the tensors have that additions and averages read.
type Residuals string

// The widths of residual tensors.
const (
	Narrow Residuals = "narrow" // those that the layers reading them ask for, as all tensors
	Wide   Residuals = "wide"   // 8 by the method int; layers read codes of fewer bits made of them
)

// known refuses other widths.
func (r Residuals) known() error {
	switch r {
	case "", Narrow, Wide:
		return nil
	}
	return fmt.Errorf("qat: residuals is %q, want narrow or wide", r)
}

// widenResiduals lets the tensors that additions read keep 8 bits, and those that layers
// read whose sums are added, the projections of shortcuts. Layers that ask for fewer bits
// read codes made of them by a function of one tensor, the identity. So what residual
// blocks add up is rounded finely and what they multiply is not.
func (s *assigning) widenResiduals() error {
	if err := s.policy.Residuals.known(); err != nil || s.policy.Residuals != Wide {
		return err
	}
	s.readers = s.Network.Readers()
	for _, o := range slices.Clone(s.Network.Operators) {
		if t := o.Output; !t.Sums && !o.Kind.Keeps() && s.residual(t) {
			s.widen(t)
		}
	}
	return nil
}

// residual says whether an addition reads t, or the sums of a layer that reads it.
func (s *assigning) residual(t *network.Tensor) bool {
	return slices.ContainsFunc(s.readers[t], func(o *network.Operator) bool {
		return o.Kind == network.Addition || slices.Contains(o.Added(), t) || s.projects(o)
	})
}

// projects says whether a layer's sums are what an addition reads.
func (s *assigning) projects(o *network.Operator) bool {
	return o.Output.Sums && !s.Layers[o.Name].Signs()
}

// widen has layers read codes of fewer bits made of t, projections t itself.
func (s *assigning) widen(t *network.Tensor) {
	var narrow *network.Tensor
	for _, r := range s.readers[t] {
		l := s.Layers[r.Name]
		switch {
		case !reads(r, t) || l.Signs() || l.FloatInput() || l.ActivationBits >= Eight().ActivationBits:
		case s.projects(r):
			s.Layers[r.Name] = l.readsEight()
		default:
			if narrow == nil {
				narrow = s.Network.Insert(network.Operator{Name: t.Name + ".narrow", Kind: network.Nonlinearity}, t, r)
			}
			r.Inputs[0] = narrow
		}
	}
}

// readsEight returns the layer with an input of 8 bits by the method int, in all stages that
// quantize it.
func (a Assigned) readsEight() Assigned {
	eight := func(l Layer) Layer {
		if !l.FloatInput() {
			l.Input, l.ActivationBits = Eight().Input, Eight().ActivationBits
		}
		return l
	}
	a.Layer, a.Stages = eight(a.Layer), slices.Clone(a.Stages)
	for k, l := range a.Stages {
		a.Stages[k] = eight(l)
	}
	return a
}
