// SPDX-License-Identifier: Apache-2.0

package qat

import (
	"fmt"
	"slices"

	"github.com/goqat/goqat/network"
)

// takeSigns gives every layer that reads signs the signs of its input. Where all
// readers of a tensor want its signs, the tensor itself becomes signs. Elsewhere a
// sign operator is inserted between the tensor and the layer; the tensor keeps 8
// bits, or more if another reader asks for more. A layer that scales by the
// magnitudes of its input reads both.
func (s *assigning) takeSigns() error {
	for _, o := range slices.Clone(s.Network.Operators) {
		s.readers = s.Network.Readers()
		l := s.Layers[o.Name]
		if o.Kind.Weighted() && l.Signs() && (s.policy.InputScaling || !s.signsOnly(o.Input().Origin(), l.Layer)) {
			s.insertSign(o)
		}
	}
	return nil
}

// signsOnly says whether all who read t want the signs that l asks for.
func (s *assigning) signsOnly(t *network.Tensor, l Layer) bool {
	if t.Source == nil || t.Source.Kind.Joins() || t.Source.Kind.Tabulates() {
		return false
	}
	for _, o := range s.readers[t] {
		switch {
		case o.Kind.Keeps() && s.signsOnly(o.Output, l):
		case reads(o, t) && !slices.Contains(o.Added(), t) && s.Layers[o.Name].Signs() && sameInput(s.Layers[o.Name].Layer, l):
		default:
			return false
		}
	}
	return true
}

// sameInput says whether two layers ask for the same of what they read.
func sameInput(a, b Layer) bool {
	return a.Input.Info().Name == b.Input.Info().Name && a.ActivationBits == b.ActivationBits
}

// insertSign puts an operator that takes signs before o, or one that is there already.
func (s *assigning) insertSign(o *network.Operator) {
	x, l := o.Input(), s.Layers[o.Name]
	others := 0
	for _, r := range s.readers[x] {
		if r.Kind != network.Sign {
			continue
		}
		others++
		if sameInput(s.Layers[r.Name].Layer, l.Layer) {
			o.Inputs[0] = r.Output
			return
		}
	}
	name := x.Name + ".sign"
	if others > 0 {
		name += fmt.Sprint(others + 1)
	}
	s.Layers[name] = Assigned{Layer: l.Layer}
	o.Inputs[0] = s.Network.Insert(network.Operator{Name: name, Kind: network.Sign}, x, o)
}

// signsTaken says whether someone takes the signs of t, of it or of what is computed
// from it without another weighted operator.
func (s *assigning) signsTaken(t *network.Tensor) bool {
	return slices.ContainsFunc(s.readers[t], func(o *network.Operator) bool {
		switch {
		case o.Kind == network.Sign, reads(o, t) && s.Layers[o.Name].Signs():
			return true
		default:
			return (!o.Kind.Weighted() || slices.Contains(o.Added(), t)) && s.signsTaken(o.Output)
		}
	})
}
