// SPDX-License-Identifier: Apache-2.0

package layers

import (
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/network"
	"github.com/goqat/goqat/qat"
)

// A Unit is an operator of the network in its training graph: with its parameters and
// quantizers.
type Unit struct {
	*network.Operator
	Inputs []*Tensor // as those of the operator
	Output *Tensor

	Norm   *graph.Norm  // nil for none
	Slopes *graph.Param // of the activation, one for each channel, where it learns them

	// The rest is for weighted units.
	Assigned  qat.Assigned
	Weight    *graph.Param // [out, height, width, in / groups]
	Quantizer qat.Weights  // nil for a layer left in floating point
	// Oscillations keep the weights from oscillating, nil if they are not to.
	Oscillations *qat.Oscillations
	Bias         *graph.Param // nil for none
}

// Input returns the first input.
func (u *Unit) Input() *Tensor { return u.Inputs[0] }

// Added returns the tensors that are added to what the unit makes of the first.
func (u *Unit) Added() []*Tensor {
	return u.Inputs[len(u.Inputs)-len(u.Operator.Added()):]
}

// A Tensor is what a unit computes and others read, in the training graph.
type Tensor struct {
	*network.Tensor
	// Source is the unit that computes the tensor, nil for the image.
	Source *Unit
	// Quantizer rounds the tensor where it is computed; nil for the image, for
	// tensors that keep the codes of another, and in networks that stay in floating
	// point.
	Quantizer qat.Activation
	// Shared is the tensor with whose quantizer this tensor is rounded, at the place
	// where Shared is computed; nil for none.
	Shared *Tensor

	node *graph.Node
}

// Node returns the graph node that computes the tensor.
func (t *Tensor) Node() *graph.Node { return t.node }

// Origin follows units that keep codes back to the tensor whose codes t has.
func (t *Tensor) Origin() *Tensor {
	for t.Source != nil && t.Source.Kind.Keeps() {
		t = t.Source.Input()
	}
	return t
}

// Signs returns the quantizer of a tensor of signs, and false for other tensors.
func (t *Tensor) Signs() (qat.Signs, bool) {
	s, ok := t.Origin().Quantizer.(qat.Signs)
	return s, ok
}
