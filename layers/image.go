// SPDX-License-Identifier: Apache-2.0

package layers

import "github.com/goqat/goqat/qat"

// inputName is the name of the unit that narrows the image, and of its result.
const inputName = "input"

// narrowImage puts a unit before those that read the image, if they ask for fewer
// bits than it has: each of its codes becomes one of fewer bits (contract,
// Numerics 4).
func (n *Network) narrowImage() error {
	want, ok, err := n.asked(n.Image)
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
