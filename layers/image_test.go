// SPDX-License-Identifier: Apache-2.0

package layers_test

import (
	"slices"
	"testing"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/network"
	"github.com/goqat/goqat/qat"
)

// TestNarrowImage puts a table before all that read the image, where they ask for
// fewer bits than it has.
func TestNarrowImage(t *testing.T) {
	same := pact
	same.FirstLast = qat.FirstLastSame
	net := layers.Chain{layers.Residual{Body: conv(3)}, layers.MaxPool{Size: 2}, layers.Linear{Channels: 10}}
	n := build(t, net, config(8, 8, 3, same))
	u := n.Units[0]
	if u.Name != "input" || u.Kind != network.Lookup || u.Input() != n.Image || u.Output.Quantizer.Bits() != 3 {
		t.Fatalf("the first unit is %s of kind %v", u.Name, u.Kind)
	}
	if c := unit(t, n, "block1.conv1"); c.Input() != u.Output {
		t.Errorf("the convolution reads %s", c.Input().Name)
	}
	if a := unit(t, n, "block1.add"); added(a) != u.Output {
		t.Errorf("the shortcut is %s", added(a).Name)
	}
	for name, p := range map[string]qat.Policy{
		"first layer of 8 bits":    pact,
		"rule for the first layer": {Method: qat.PACT{}, WeightBits: 4, ActivationBits: 3, FirstLast: qat.FirstLastSame, Rules: []qat.Rule{{Match: "*.conv1", ActivationBits: 8}}},
		"floating-point inputs":    {Method: qat.PACT{}, WeightBits: 4, ActivationBits: qat.FloatBits, FirstLast: qat.FirstLastSame},
		"floating-point ends":      {Method: qat.PACT{}, WeightBits: 4, ActivationBits: 3, FirstLast: qat.FirstLastFloat},
	} {
		if n := build(t, net, config(8, 8, 3, p)); n.Units[0].Kind == network.Lookup {
			t.Errorf("%s: a table of %d bits", name, n.Units[0].Output.Quantizer.Bits())
		}
	}
}

// TestRescaleImage has images of another scale give the logits they gave.
func TestRescaleImage(t *testing.T) {
	net := layers.Chain{layers.MaxPool{Size: 2}, conv(4), conv(4), layers.Linear{Channels: 10}}
	c := config(8, 8, 3, pact)
	first := build(t, net, c)
	images, labels := noise(2*8*8*3), make([]int32, 2)
	want, err := first.Forward(graph.Pass{Mode: graph.Eval}, images, labels)
	if err != nil {
		t.Fatal(err)
	}
	want = slices.Clone(want)
	trained := c.Input.Scale
	c.Input.Scale *= 4
	second := build(t, net, c)
	second.RescaleImage(trained)
	got, err := second.Forward(graph.Pass{Mode: graph.Eval}, images, labels)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, want) {
		t.Errorf("logits %v, want %v", got, want)
	}
}

// TestStartWithPowersOfTwo changes no logits of the float network.
func TestStartWithPowersOfTwo(t *testing.T) {
	p := qat.Policy{Method: qat.LSQ{}, WeightBits: 8, ActivationBits: 8, PowerOfTwo: true}
	n := build(t, layers.Chain{conv(4), conv(4), layers.Linear{Channels: 10}}, config(8, 8, 3, p))
	for _, u := range n.Units {
		for c := range u.Channels {
			if u.Norm != nil {
				u.Norm.Gamma.Value[c], u.Norm.Variance[c] = 0.3+0.1*float32(c), 1.7-0.3*float32(c)
			}
		}
	}
	images, labels := noise(2*8*8*3), make([]int32, 2)
	logits := func() []float32 {
		y, err := n.Forward(graph.Pass{Mode: graph.Eval}, images, labels)
		if err != nil {
			t.Fatal(err)
		}
		return slices.Clone(y)
	}
	before := logits()
	n.Start()
	for i, v := range logits() {
		if d := v - before[i]; d > 1e-4 || d < -1e-4 {
			t.Errorf("logit %d is %v, was %v", i, v, before[i])
		}
	}
}
