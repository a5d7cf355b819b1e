// SPDX-License-Identifier: Apache-2.0

// Package network is a network as data: a directed graph of operators, before it has
// parameters, bits or a training graph.
//
// A [Network] is a plain value. It can be printed, compared, walked, cloned and
// edited; package layers traces modules into one, package qat decides from it how
// every tensor is quantized, and layers builds the training graph of both. Nothing
// here knows how a network is trained or what its integers are.
package network

import (
	"fmt"
	"slices"
	"strings"

	"github.com/goqat/goqat/geometry"
)

// A Network computes the logits of an image.
type Network struct {
	Image     *Tensor
	Operators []*Operator // in an order of execution
	Logits    *Tensor
}

// A Tensor is what an operator computes and any number of others read: height × width
// × channels for each image.
type Tensor struct {
	Name                    string
	Height, Width, Channels int
	// Source is the operator that computes the tensor, nil for the image.
	Source *Operator
	// Sums says that the tensor is the bare sums of a weighted operator, which other
	// operators add to theirs before anything is rounded.
	Sums bool
}

// An Operator computes a tensor from others. Which fields count depends on the kind.
type Operator struct {
	Name   string
	Kind   Kind
	Inputs []*Tensor // see Kind; at least one
	Output *Tensor

	Activation Activation // of the result
	Slope      float64    // of the activation, if it has one and does not learn it

	Window   geometry.Window // of weighted operators and poolings
	CountPad bool            // of average poolings: the padding counts, as zeros

	Channels   int  // of a weighted operator's output
	Normalized bool // batch normalization follows the sums
	Biased     bool // a bias is added to the sums

	Rate float64 // of values that a dropout drops
	Bits int     // of the codes of a lookup

	First   int    // of a selection: the first of its channels (see Selects)
	Shuffle int    // of a selection: the rows by which its channels are shuffled; 1 for not at all
	Factor  [2]int // of an upsampling: how many rows each row becomes, and columns each column

	rank int // where the operator was traced, for an order of readers that edits keep
}

// Input returns the first input.
func (o *Operator) Input() *Tensor { return o.Inputs[0] }

// Added returns the tensors that are added to what the operator makes of the first.
func (o *Operator) Added() []*Tensor {
	if !kinds[o.Kind].adds {
		return nil
	}
	return o.Inputs[1:]
}

// Selects returns which channel of the input is channel c of a selection's result. The
// channels from First on, as many as the result has, are written to Shuffle rows one
// after the other and read by columns (Zhang et al. 2018, "ShuffleNet").
func (o *Operator) Selects(c int) int {
	each := o.Output.Channels / o.Shuffle
	return o.First + c%o.Shuffle*each + c/o.Shuffle
}

// Classifier returns the weighted operator after which no other comes, nil if there is
// none: its sums become the logits.
func (n *Network) Classifier() *Operator {
	for _, o := range slices.Backward(n.Operators) {
		if o.Kind.Weighted() {
			return o
		}
	}
	return nil
}

// Size returns the number of values of the tensor for one image.
func (t *Tensor) Size() int { return t.Height * t.Width * t.Channels }

// Shape writes the shape as 28×28×1.
func (t *Tensor) Shape() string { return fmt.Sprintf("%d×%d×%d", t.Height, t.Width, t.Channels) }

// Origin follows operators that keep codes (see Kind.Keeps) back to the tensor whose
// codes t has.
func (t *Tensor) Origin() *Tensor {
	for t.Source != nil && t.Source.Kind.Keeps() {
		t = t.Source.Input()
	}
	return t
}

// bare says whether the tensor is the sums of a weighted operator, without an
// activation and with nothing added.
func (t *Tensor) bare() bool {
	o := t.Source
	return o != nil && o.Kind.Weighted() && o.Activation == Identity && len(o.Inputs) == 1
}

// Append adds an operator that reads the given tensors, with a result of the given
// shape and the operator's name, and returns the result.
func (n *Network) Append(o Operator, height, width, channels int, inputs ...*Tensor) *Tensor {
	o.rank = len(n.Operators)
	for _, other := range n.Operators {
		o.rank = max(o.rank, other.rank+1)
	}
	o.Inputs = inputs
	o.Output = &Tensor{Name: o.Name, Height: height, Width: width, Channels: channels, Source: &o}
	n.Operators = append(n.Operators, &o)
	return o.Output
}

// Insert puts an operator with one input, and a result of its shape, before another,
// or at the end if that is nil.
func (n *Network) Insert(o Operator, x *Tensor, before *Operator) *Tensor {
	y := n.Append(o, x.Height, x.Width, x.Channels, x)
	last := n.Operators[len(n.Operators)-1]
	if at := slices.Index(n.Operators, before); at >= 0 {
		n.Operators = slices.Insert(n.Operators[:len(n.Operators)-1], at, last)
	}
	return y
}

// Replace has every operator that reads a tensor read another instead.
func (n *Network) Replace(old, by *Tensor) {
	for _, o := range n.Operators {
		for i, in := range o.Inputs {
			if in == old && o.Output != by {
				o.Inputs[i] = by
			}
		}
	}
	if n.Logits == old {
		n.Logits = by
	}
}

// Readers returns the operators that read each tensor, once for each input that it
// is, in the order in which they were traced.
func (n *Network) Readers() map[*Tensor][]*Operator {
	traced := slices.Clone(n.Operators)
	slices.SortStableFunc(traced, func(a, b *Operator) int { return a.rank - b.rank })
	readers := map[*Tensor][]*Operator{}
	for _, o := range traced {
		for _, in := range o.Inputs {
			readers[in] = append(readers[in], o)
		}
	}
	return readers
}

// Operator returns the operator of a name, nil if there is none.
func (n *Network) Operator(name string) *Operator {
	for _, o := range n.Operators {
		if o.Name == name {
			return o
		}
	}
	return nil
}

// Clone returns a network that is equal and shares nothing with n.
func (n *Network) Clone() *Network {
	tensors := map[*Tensor]*Tensor{}
	tensor := func(t *Tensor) *Tensor {
		if t == nil {
			return nil
		}
		c := *t
		tensors[t] = &c
		return &c
	}
	c := &Network{Image: tensor(n.Image)}
	for _, o := range n.Operators {
		p := *o
		p.Inputs = nil
		for _, in := range o.Inputs {
			p.Inputs = append(p.Inputs, tensors[in])
		}
		p.Output = tensor(o.Output)
		p.Output.Source = &p
		c.Operators = append(c.Operators, &p)
	}
	c.Logits = tensors[n.Logits]
	return c
}

// String writes a line for each operator: its name, what it is, what it reads, and
// the shape of its result.
func (n *Network) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n", n.Image.Name, n.Image.Shape())
	for _, o := range n.Operators {
		var inputs []string
		for _, in := range o.Inputs {
			inputs = append(inputs, in.Name)
		}
		fmt.Fprintf(&b, "%s = %s(%s) %s", o.Name, o.Kind, strings.Join(inputs, ", "), o.Output.Shape())
		if o.Kind.Windowed() {
			fmt.Fprintf(&b, ", %v", o.Window)
		}
		if o.Window.Groups > 1 {
			fmt.Fprintf(&b, ", %d groups", o.Window.Groups)
		}
		for _, w := range []struct {
			there bool
			word  string
		}{{o.Normalized, "normalized"}, {o.Biased, "biased"}, {o.CountPad, "padding counted"}, {o.Output.Sums, "sums"}, {o.First > 0, fmt.Sprintf("from channel %d", o.First)}, {o.Shuffle > 1, fmt.Sprintf("shuffled by %d", o.Shuffle)}, {o.Factor != [2]int{}, fmt.Sprintf("%d×%d times", o.Factor[0], o.Factor[1])}, {o.Activation != Identity, o.Activation.String()}} {
			if w.there {
				b.WriteString(", " + w.word)
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}
