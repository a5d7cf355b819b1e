// SPDX-License-Identifier: Apache-2.0

package layers

import (
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/network"
)

// Concat puts the channels of any number of images of one size next to each other.
type Concat struct {
	Name string // default: concat1, concat2, …
}

// Trace implements [Module]: the concatenation of one tensor is itself.
func (c Concat) Trace(t *Tracer, x *network.Tensor) *network.Tensor {
	return c.Join(t, []*network.Tensor{x})
}

// Join implements [Joint].
func (c Concat) Join(t *Tracer, inputs []*network.Tensor) *network.Tensor {
	name, x, channels := t.Name(c.Name, "concat"), inputs[0], 0
	for _, y := range inputs {
		if y.Height != x.Height || y.Width != x.Width {
			t.Errorf("layers: %s concatenates %s and %s", name, x.Shape(), y.Shape())
		}
		channels += y.Channels
	}
	if len(inputs) == 1 {
		return x
	}
	return t.Add(network.Operator{Name: name, Kind: network.Concatenation}, x.Height, x.Width, channels, inputs...)
}

func emitConcat(n *Network, u *Unit) *graph.Node {
	var nodes []*graph.Node
	for _, in := range u.Inputs {
		nodes = append(nodes, in.node)
	}
	return n.Graph.Concat(u.Name+".joined", nodes...)
}
