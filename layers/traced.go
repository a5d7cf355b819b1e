// SPDX-License-Identifier: Apache-2.0

package layers

import "github.com/goqat/goqat/network"

// Traced is a network that was traced before, or read or made otherwise, as a module.
// Its operators keep their names; what it reads must have the shape of its image.
type Traced struct{ Network *network.Network }

// Trace implements [Module].
func (m Traced) Trace(t *Tracer, x *network.Tensor) *network.Tensor {
	n := m.Network
	if x.Shape() != n.Image.Shape() {
		t.Errorf("layers: the network is for images of %s, not %s", n.Image.Shape(), x.Shape())
		return x
	}
	results := map[*network.Tensor]*network.Tensor{n.Image: x}
	for _, o := range n.Operators {
		var inputs []*network.Tensor
		for _, in := range o.Inputs {
			y := results[in]
			if y == nil {
				t.Errorf("layers: %s reads %s, which no operator before it makes", o.Name, in.Name)
				return x
			}
			inputs = append(inputs, y)
		}
		own := *o
		own.Name = t.Name(o.Name, o.Kind.String())
		y := o.Output
		results[y] = t.Add(own, y.Height, y.Width, y.Channels, inputs...)
		results[y].Sums = y.Sums
	}
	if results[n.Logits] == nil {
		t.Errorf("layers: no operator makes the result of the network")
		return x
	}
	return results[n.Logits]
}
