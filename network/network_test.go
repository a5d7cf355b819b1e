// SPDX-License-Identifier: Apache-2.0

package network_test

import (
	"reflect"
	"testing"

	"github.com/goqat/goqat/geometry"
	"github.com/goqat/goqat/network"
)

// branches has a convolution that two others read, an addition of their results and of
// what they read, and a linear layer.
func branches() *network.Network {
	image := &network.Tensor{Name: "image", Height: 4, Width: 4, Channels: 1}
	n := &network.Network{Image: image}
	conv := func(name string, x *network.Tensor) *network.Tensor {
		return n.Append(network.Operator{Name: name, Kind: network.Convolution, Channels: 2, Window: geometry.Same(3, 1), Normalized: true}, 4, 4, 2, x)
	}
	stem := conv("stem", image)
	stem.Source.Activation = network.ReLU
	left, right := conv("left", stem), conv("right", stem)
	sum := n.Append(network.Operator{Name: "sum", Kind: network.Addition, Activation: network.ReLU}, 4, 4, 2, left, right, stem)
	flat := n.Append(network.Operator{Name: "flat", Kind: network.Reshape}, 1, 1, 32, sum)
	n.Logits = n.Append(network.Operator{Name: "fc", Kind: network.FullyConnected, Channels: 3, Biased: true}, 1, 1, 3, flat)
	return n
}

// TestFuseAdditions has the last of the summands add the others, as bare sums where
// nobody else reads them.
func TestFuseAdditions(t *testing.T) {
	n := branches()
	n.FuseAdditions()
	want := `image 4×4×1
stem = convolution(image) 4×4×2, 3×3 window with stride 1, padding [1 1 1 1], normalized, relu
left = convolution(stem) 4×4×2, 3×3 window with stride 1, padding [1 1 1 1], normalized, sums
right = convolution(stem, left, stem) 4×4×2, 3×3 window with stride 1, padding [1 1 1 1], normalized, relu
flat = reshape(right) 1×1×32
fc = linear(flat) 1×1×3, biased
`
	if got := n.String(); got != want {
		t.Errorf("fused:\n%swant\n%s", got, want)
	}
}

// TestFuseKeeps leaves an addition alone whose last summand others read, or is not
// bare.
func TestFuseKeeps(t *testing.T) {
	for name, change := range map[string]func(n *network.Network){
		"read by another": func(n *network.Network) {
			right := n.Operator("right").Output
			n.Append(network.Operator{Name: "other", Kind: network.Maximum, Window: geometry.Valid(1, 1)}, 4, 4, 2, right)
		},
		"an activation between": func(n *network.Network) { n.Operator("right").Activation = network.ReLU6 },
	} {
		n := branches()
		change(n)
		n.FuseAdditions()
		if add := n.Operator("sum"); add == nil || len(add.Inputs) != 3 || n.Operator("left").Output.Sums {
			t.Errorf("%s: the addition is %v", name, add)
		}
	}
}

// TestClone shares nothing.
func TestClone(t *testing.T) {
	n := branches()
	before, c := n.String(), n.Clone()
	if !reflect.DeepEqual(n, c) {
		t.Errorf("the clone is\n%vwant\n%v", c, n)
	}
	c.FuseAdditions()
	c.Replace(c.Image, c.Insert(network.Operator{Name: "narrow", Kind: network.Lookup, Bits: 2}, c.Image, c.Operators[0]))
	for _, o := range c.Operators {
		o.Output.Channels++
	}
	if n.String() != before {
		t.Errorf("changes of the clone changed the network:\n%v", n)
	}
	if stem := c.Operator("stem"); c.Operators[0].Name != "narrow" || stem.Input() != c.Operators[0].Output || c.Operators[0].Input() != c.Image {
		t.Errorf("the inserted operator is not read:\n%v", c)
	}
}

// TestKinds has a row of the table for every kind.
func TestKinds(t *testing.T) {
	names := map[string]bool{}
	for _, k := range network.Kinds() {
		if k.String() == "" || names[k.String()] {
			t.Errorf("kind %d has the name %q", k, k.String())
		}
		names[k.String()] = true
	}
}
