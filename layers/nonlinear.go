// SPDX-License-Identifier: Apache-2.0

package layers

import (
	"cmp"
	"slices"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/network"
)

// Activate applies an activation to its input. One that limits values (ReLU, ReLU6)
// becomes part of the convolution, linear layer, addition or normalization before it, if
// that has none yet and nobody else reads its result; others are an operator of their
// own, a table of codes in integers.
type Activate struct {
	Name       string // of an operator of its own; default: the activation's name, numbered
	Activation network.Activation
	Slope      float64 // default network.Activation.Slope; where it is learned, at the start
}

// Trace implements [Module].
func (a Activate) Trace(t *Tracer, x *network.Tensor) *network.Tensor {
	if a.fits(t, x) {
		x.Source.Activation = a.Activation
		return x
	}
	return a.append(t, t.Name(a.Name, a.Activation.String()), x)
}

// fits says whether the activation can be part of the operator that computes x.
func (a Activate) fits(t *Tracer, x *network.Tensor) bool {
	o := x.Source
	return a.Activation.Clamps() && o != nil && o.Kind.Activates() && o.Activation == network.Identity && len(t.network.Readers()[x]) == 0
}

// append adds an operator of a full name.
func (a Activate) append(t *Tracer, name string, x *network.Tensor) *network.Tensor {
	o := network.Operator{Name: name, Kind: network.Nonlinearity, Activation: a.Activation, Slope: cmp.Or(a.Slope, a.Activation.Slope())}
	return t.Add(o, x.Height, x.Width, x.Channels, x)
}

// activated adds the operator that a layer consists of, with an activation: as part of
// it, or as an operator after it that is named after both.
func (t *Tracer) activated(o network.Operator, a network.Activation, slope float64, height, width, channels int, inputs ...*network.Tensor) *network.Tensor {
	if a.Clamps() {
		o.Activation = a
		return t.Add(o, height, width, channels, inputs...)
	}
	x := t.Add(o, height, width, channels, inputs...)
	name := o.Name + "." + a.String()
	if t.names[name] {
		t.Errorf("layers: the name %s is used twice", name)
	}
	t.names[name] = true
	return Activate{Activation: a, Slope: slope}.append(t, name, x)
}

// emitNonlinearity adds an op for the activation. The identity needs none: the epilogue
// reads the tensor, codes where it is such.
func emitNonlinearity(n *Network, u *Unit) *graph.Node {
	if u.Activation == network.Identity {
		return u.Input().node
	}
	if u.Activation.Learns() {
		u.Slopes = n.Graph.Param(u.Name+".slope", graph.Biases, u.Output.Channels)
		for c := range u.Slopes.Value {
			u.Slopes.Value[c] = float32(u.Slope)
		}
	}
	return n.Graph.Nonlinear(u.Name+".real", u.Input().node, u.Activation, u.Slope, u.Slopes, n.Assignment.Replaced[u.Output.Name])
}

// At returns the slope of the unit's activation in a channel.
func (u *Unit) At(c int) float64 {
	if u.Slopes == nil {
		return u.Slope
	}
	return float64(u.Slopes.Value[c])
}

// Alike says whether the unit's activation is the same in every channel.
func (u *Unit) Alike() bool {
	return u.Slopes == nil || !slices.ContainsFunc(u.Slopes.Value, func(s float32) bool { return s != u.Slopes.Value[0] })
}
