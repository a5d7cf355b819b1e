// SPDX-License-Identifier: Apache-2.0

package layers

import (
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/network"
)

// Flatten makes an image a vector.
type Flatten struct{ Name string }

// Trace implements [Module].
func (f Flatten) Trace(t *Tracer, x *network.Tensor) *network.Tensor {
	return t.Add(network.Operator{Name: t.Name(f.Name, "flatten"), Kind: network.Reshape}, 1, 1, x.Size(), x)
}

func emitReshape(n *Network, u *Unit) *graph.Node { return n.Graph.Flatten(u.Name, u.Input().node) }

// Dropout zeroes values at a rate while training.
type Dropout struct {
	Name string
	Rate float64
}

// Trace implements [Module].
func (d Dropout) Trace(t *Tracer, x *network.Tensor) *network.Tensor {
	o := network.Operator{Name: t.Name(d.Name, "dropout"), Kind: network.Drop, Rate: d.Rate}
	return t.Add(o, x.Height, x.Width, x.Channels, x)
}

func emitDrop(n *Network, u *Unit) *graph.Node {
	return n.Graph.Dropout(u.Name, u.Input().node, u.Rate)
}
