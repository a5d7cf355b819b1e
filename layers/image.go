// SPDX-License-Identifier: Apache-2.0

package layers

import "github.com/goqat/goqat/qat"

// inputName is the name of the unit that narrows the image, and of its result.
const inputName = "input"

// narrowImage puts a unit before those that read the image, if they ask for fewer
// bits than it has: each of its codes becomes one of fewer bits (contract,
// Numerics 4).
func (n *Network) narrowImage() error {
	want, ok, err := n.asked(n.Image, len(n.Policy.Stages))
	if err != nil || !ok || want.ActivationBits >= qat.ImageBits {
		return err
	}
	x := n.Image
	u := &Unit{Name: inputName, Kind: Lookup, Input: x, bits: want.ActivationBits}
	u.Output = &Tensor{Name: inputName, Height: x.Height, Width: x.Width, Channels: x.Channels, Source: u, readers: x.readers}
	for _, r := range x.readers {
		if r.Input == x {
			r.Input = u.Output
		}
		if r.Residual == x {
			r.Residual = u.Output
		}
	}
	x.readers = []*Unit{u}
	n.Units = append([]*Unit{u}, n.Units...)
	return nil
}

// RescaleImage makes up for weights that were trained with images of another
// scale: those of the layers that read the image are multiplied by it and divided
// by the network's own.
func (n *Network) RescaleImage(scale float32) {
	k := scale / n.Input.Scale
	for _, u := range n.Units {
		in := u.Input.Origin()
		if in.Source != nil && in.Source.Kind == Lookup {
			in = in.Source.Input
		}
		if u.Weighted() && in == n.Image {
			for i := range u.Weight.Value {
				u.Weight.Value[i] *= k
			}
		}
	}
}
