// SPDX-License-Identifier: Apache-2.0

package layers

import (
	"cmp"
	"maps"

	"github.com/goqat/goqat/network"
)

// Chain applies modules one after the other.
type Chain []Module

// Trace implements [Module].
func (c Chain) Trace(t *Tracer, x *network.Tensor) *network.Tensor {
	for _, m := range c {
		x = m.Trace(t, x)
	}
	return x
}

// A Graph is modules that read each other's results by name: a network with branches.
// The result of the last module is the result of the graph.
type Graph []Node

// A Node is a module of a Graph.
type Node struct {
	Name string // for others to read the result by; may be empty
	// Inputs are names of nodes before, or "input", what the whole graph reads; none is
	// the result of the node before. Only a Joint reads more than one.
	Inputs []string
	Module Module
}

// GraphInput is the name of what a Graph reads.
const GraphInput = "input"

// Trace implements [Module].
func (g Graph) Trace(t *Tracer, x *network.Tensor) *network.Tensor {
	results := map[string]*network.Tensor{GraphInput: x}
	for _, node := range g {
		inputs := []*network.Tensor{x}
		if len(node.Inputs) > 0 {
			inputs = inputs[:0]
			for _, name := range node.Inputs {
				y := results[name]
				if y == nil {
					t.Errorf("layers: %s reads %q, which is no layer before it, or one whose result an activation has changed: read the activation", cmp.Or(node.Name, "a layer"), name)
					return x
				}
				inputs = append(inputs, y)
			}
		}
		if a, ok := node.Module.(Activate); ok && a.fits(t, inputs[0]) { // the result before it is not there any more
			maps.DeleteFunc(results, func(name string, y *network.Tensor) bool { return y == inputs[0] })
		}
		joint, ok := node.Module.(Joint)
		switch {
		case ok:
			x = joint.Join(t, inputs)
		case len(inputs) == 1:
			x = node.Module.Trace(t, inputs[0])
		default:
			t.Errorf("layers: %s reads %d tensors, and takes one", node.Name, len(inputs))
			return x
		}
		if node.Name != "" {
			results[node.Name] = x
		}
	}
	return x
}
