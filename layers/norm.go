// SPDX-License-Identifier: Apache-2.0

package layers

import (
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/network"
)

// Norm is a batch normalization alone, as before the convolutions of a DenseNet (Huang
// et al. 2017), and an activation.
type Norm struct {
	Name       string // default: norm1, norm2, …
	Activation network.Activation
	Slope      float64 // of the activation
}

// Trace implements [Module].
func (m Norm) Trace(t *Tracer, x *network.Tensor) *network.Tensor {
	o := network.Operator{Name: t.Name(m.Name, "norm"), Kind: network.Normalization, Normalized: true}
	return t.activated(o, m.Activation, m.Slope, x.Height, x.Width, x.Channels, x)
}

func emitNormalization(n *Network, u *Unit) *graph.Node {
	u.Norm = n.norm(u)
	return u.Input().node
}
