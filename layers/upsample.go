// SPDX-License-Identifier: Apache-2.0

package layers

import (
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/network"
)

// Upsample makes an image Factor times as high and as wide by repeating its pixels.
type Upsample struct {
	Name   string // default: upsample1, upsample2, …
	Factor [2]int // of the height and the width
}

// Trace implements [Module].
func (m Upsample) Trace(t *Tracer, x *network.Tensor) *network.Tensor {
	o := network.Operator{Name: t.Name(m.Name, "upsample"), Kind: network.Upsampling, Factor: m.Factor}
	if min(m.Factor[0], m.Factor[1]) < 1 {
		t.Errorf("layers: %s enlarges %s %d×%d times", o.Name, x.Shape(), m.Factor[0], m.Factor[1])
		return x
	}
	return t.Add(o, x.Height*m.Factor[0], x.Width*m.Factor[1], x.Channels, x)
}

func emitUpsampling(n *Network, u *Unit) *graph.Node {
	return n.Graph.Upsample(u.Name, u.Input().node, u.Factor)
}
