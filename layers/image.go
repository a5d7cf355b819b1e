// SPDX-License-Identifier: Apache-2.0

package layers

import "slices"

// RescaleImage makes up for weights that were trained with images of another
// scale: those of the layers that read the image are multiplied by it and divided
// by the network's own.
func (n *Network) RescaleImage(scale float32) {
	k := scale / n.Input.Scale
	images := []*Tensor{n.Image}
	for _, u := range n.Units {
		if !u.Kind.Weighted() && u.Bits != 0 { // the image, narrowed
			images = append(images, u.Output)
		}
		if u.Kind.Weighted() && slices.Contains(images, u.Input().Origin()) {
			for i := range u.Weight.Value {
				u.Weight.Value[i] *= k
			}
		}
	}
}
