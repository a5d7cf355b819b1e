// SPDX-License-Identifier: Apache-2.0

package qat_test

import (
	"reflect"
	"testing"

	"github.com/goqat/goqat/geometry"
	"github.com/goqat/goqat/network"
	"github.com/goqat/goqat/qat"
)

// branches has a convolution that two others and an addition read.
func branches() *network.Network {
	n := &network.Network{Image: &network.Tensor{Name: "image", Height: 4, Width: 4, Channels: 1}}
	conv := func(name string, x *network.Tensor, a network.Activation) *network.Tensor {
		return n.Append(network.Operator{Name: name, Kind: network.Convolution, Channels: 2, Window: geometry.Same(3, 1), Activation: a}, 4, 4, 2, x)
	}
	stem := conv("stem", n.Image, network.ReLU)
	left, right := conv("left", stem, network.Identity), conv("right", stem, network.Identity)
	sum := n.Append(network.Operator{Name: "sum", Kind: network.Addition, Activation: network.ReLU}, 4, 4, 2, left, right, stem)
	mean := n.Append(network.Operator{Name: "mean", Kind: network.Average, Window: geometry.Whole(4, 4)}, 1, 1, 2, sum)
	n.Logits = n.Append(network.Operator{Name: "fc", Kind: network.FullyConnected, Channels: 3}, 1, 1, 3, mean)
	n.FuseAdditions()
	return n
}

// TestAssign prints assignments: they are of the network and the policy alone, and
// change neither.
func TestAssign(t *testing.T) {
	for _, c := range []struct {
		policy qat.Policy
		want   string
	}{
		{qat.Policy{Method: qat.PACT{}, WeightBits: 4, ActivationBits: 3, Rules: []qat.Rule{{Match: "left", WeightBits: 2, ActivationBits: 5}}}, `stem.weight: int, 8 bits
stem: pact, 5 bits
left.weight: pact, 2 bits
right.weight: pact, 4 bits
right: pact, 3 bits
mean: int, 8 bits
fc.weight: int, 8 bits
`},
		{qat.Policy{Method: qat.BNN{}, WeightBits: 1, ActivationBits: 1}, `stem.weight: int, 8 bits
stem: int, 8 bits, signed
stem.sign: bnn, 1 bits
left.weight: bnn, 1 bits
right.weight: bnn, 1 bits
right: int, 8 bits
mean: int, 8 bits
fc.weight: int, 8 bits
`},
		{qat.Policy{Method: qat.ABC{}, WeightBits: 2, ActivationBits: 2}, `stem.weight: int, 8 bits
stem: int, 8 bits, signed
stem.sign: abc, 2 bits
left.weight: abc, 2 bits
left: int, 8 bits, signed
right.weight: abc, 2 bits
right: int, 8 bits
mean: int, 8 bits
fc.weight: int, 8 bits
`},
		{qat.Policy{Method: qat.PACT{}, WeightBits: 4, ActivationBits: 3, FirstLast: qat.FirstLastSame}, `input: image, 3 bits, signed
stem.weight: pact, 4 bits
stem: pact, 3 bits
left.weight: pact, 4 bits
right.weight: pact, 4 bits
right: pact, 3 bits
mean: pact, 3 bits
fc.weight: pact, 4 bits
`},
		{qat.Policy{Method: qat.PACT{}, WeightBits: 4, ActivationBits: 3, Residuals: qat.Wide}, `stem.weight: int, 8 bits
stem: int, 8 bits
left.weight: pact, 4 bits
stem.narrow: pact, 3 bits
right.weight: pact, 4 bits
right: int, 8 bits
mean: int, 8 bits
fc.weight: int, 8 bits
`},
		{qat.Policy{Method: qat.XNOR{}, WeightBits: 1, ActivationBits: 1, Residuals: qat.Wide}, `stem.weight: int, 8 bits
stem: int, 8 bits, signed
stem.sign: xnor, 1 bits
left.weight: xnor, 1 bits
right.weight: xnor, 1 bits
right: int, 8 bits
mean: int, 8 bits
fc.weight: int, 8 bits
`},
	} {
		n := branches()
		before := n.String()
		a, err := qat.Assign(n, &c.policy)
		if err != nil {
			t.Fatal(err)
		}
		if got := a.String(); got != c.want {
			t.Errorf("assigned:\n%swant\n%s", got, c.want)
		}
		again, err := qat.Assign(n, &c.policy)
		if err != nil || !reflect.DeepEqual(a, again) || n.String() != before {
			t.Errorf("a second assignment is\n%vafter\n%v", again, a)
		}
	}
}
