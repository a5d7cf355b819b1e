// SPDX-License-Identifier: Apache-2.0

package layers

import (
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/network"
)

// Multiply multiplies two tensors value by value; the second has the shape of the first,
// or one value for each of its channels, as in squeeze-and-excitation (Hu et al. 2018).
type Multiply struct {
	Name string // default: multiply1, multiply2, …
}

// Trace implements [Module]: it is the square.
func (m Multiply) Trace(t *Tracer, x *network.Tensor) *network.Tensor {
	return m.Join(t, []*network.Tensor{x, x})
}

// Join implements [Joint].
func (m Multiply) Join(t *Tracer, inputs []*network.Tensor) *network.Tensor {
	name, x := t.Name(m.Name, "multiply"), inputs[0]
	if len(inputs) != 2 {
		t.Errorf("layers: %s multiplies %d tensors, want two", name, len(inputs))
		return x
	}
	if y := inputs[1]; y.Channels != x.Channels || (y.Height != x.Height || y.Width != x.Width) && y.Height*y.Width != 1 {
		t.Errorf("layers: %s multiplies %s by %s, want as many channels, of the same size or of one pixel", name, x.Shape(), y.Shape())
	}
	return t.Add(network.Operator{Name: name, Kind: network.Product}, x.Height, x.Width, x.Channels, inputs...)
}

func emitProduct(n *Network, u *Unit) *graph.Node {
	return n.Graph.Multiply(u.Name+".product", u.Inputs[0].node, u.Inputs[1].node)
}
