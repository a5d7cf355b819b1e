// SPDX-License-Identifier: Apache-2.0

package layers

import (
	"github.com/goqat/goqat/geometry"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/qat"
)

// A Kind is what a Unit does.
type Kind uint8

// The kinds of units.
const (
	Convolution Kind = iota
	FullyConnected
	Addition // of two tensors
	Maximum  // pooling
	Average  // pooling
	Reshape  // to a vector
	Drop     // out; nothing outside training
	Lookup   // of the image's codes in a table, for fewer bits
	Sign     // of a tensor that others read too
)

// A Unit is one operator of the network, in training and in integers.
type Unit struct {
	Name   string
	Kind   Kind
	Window geometry.Window // of convolutions and poolings
	// CountPad says that the padding counts in a mean.
	CountPad bool

	Input *Tensor
	// Residual is the tensor added to the unit's own result; nil for none.
	Residual *Tensor
	Output   *Tensor

	Activation graph.Activation

	// The rest is for weighted units.
	Channels  int
	Weight    *graph.Param // [out, height, width, in / groups]
	Quantizer qat.Weights  // nil for a layer left in floating point
	Policy    qat.Layer
	Norm      *graph.Norm  // nil for none
	Bias      *graph.Param // nil for none

	stages     []qat.Layer // the policy in each stage, and for good
	norm, bias bool
	inner      bool    // neither the first nor the last weighted unit
	rate       float64 // of Drop
	bits       int     // of Lookup
}

// Weighted says whether the unit has weights.
func (u *Unit) Weighted() bool { return u.Kind == Convolution || u.Kind == FullyConnected }

// A Role is what the integers of a tensor are.
type Role uint8

// The roles of tensors.
const (
	Codes        Role = iota // quantized activations, read by the next units
	Accumulators             // raw sums that only an addition reads
	Logits                   // the network's result
)

// A Tensor is what a unit computes and others read.
type Tensor struct {
	Name                    string
	Height, Width, Channels int
	Role                    Role
	// Source is the unit that computes the tensor, nil for the image.
	Source *Unit
	// Quantizer rounds the tensor where it is computed; nil for the image, for
	// tensors that keep the codes of another (Codes of a pooling), and in
	// networks that stay in floating point.
	Quantizer qat.Activation

	readers []*Unit
	node    *graph.Node
}

// Node returns the graph node that computes the tensor.
func (t *Tensor) Node() *graph.Node { return t.node }

// Origin follows maximum poolings, reshapes and dropouts back to the tensor
// whose codes t has.
func (t *Tensor) Origin() *Tensor {
	for t.Source != nil && t.Source.passes() {
		t = t.Source.Input
	}
	return t
}

// passes says whether the unit keeps the codes of its input.
func (u *Unit) passes() bool { return u.Kind == Maximum || u.Kind == Reshape || u.Kind == Drop }
