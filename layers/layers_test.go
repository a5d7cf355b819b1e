// SPDX-License-Identifier: Apache-2.0

package layers_test

import (
	"fmt"
	"testing"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/qat"
)

// config is a configuration for images of a size and ten classes.
func config(height, width, channels int, p qat.Policy) layers.Config {
	classes := make([]string, 10)
	for i := range classes {
		classes[i] = fmt.Sprint("class", i)
	}
	return layers.Config{
		Name: "test", Input: layers.Input{Height: height, Width: width, Channels: channels, Params: layers.Normalized(0.3, 0.25)},
		Classes: classes, Batch: 2, Policy: p, Seed: 1, Pool: graph.NewPool(1),
	}
}

// pact quantizes to 4 and 3 bits, the first and the last layer to 8.
var pact = qat.Policy{Method: qat.PACT{}, WeightBits: 4, ActivationBits: 3}

func build(t testing.TB, m layers.Module, c layers.Config) *layers.Network {
	t.Helper()
	n, err := layers.Build(m, c)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func named(t testing.TB, name string, width float64) layers.Module {
	t.Helper()
	m, err := layers.Named(name, width, 10)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// unit returns the unit of a name.
func unit(t testing.TB, n *layers.Network, name string) *layers.Unit {
	t.Helper()
	for _, u := range n.Units {
		if u.Name == name {
			return u
		}
	}
	t.Fatalf("there is no unit %s", name)
	return nil
}

// names returns the names of all units.
func names(n *layers.Network) (all []string) {
	for _, u := range n.Units {
		all = append(all, u.Name)
	}
	return all
}

// bits returns the bits of a unit's result, 0 where it has no quantizer.
func bits(u *layers.Unit) int {
	if u.Output.Quantizer == nil {
		return 0
	}
	return u.Output.Quantizer.Bits()
}

// added returns the tensor that a unit adds to another, nil if it adds none.
func added(u *layers.Unit) *layers.Tensor {
	if len(u.Inputs) < 2 {
		return nil
	}
	return u.Inputs[1]
}
