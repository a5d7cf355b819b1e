// SPDX-License-Identifier: Apache-2.0

package layers

// RescaleImage makes up for weights that were trained with images of another scale:
// it multiplies the weights of the layers that read the image by that scale and divides
// them by the scale of the network's own images.
func (n *Network) RescaleImage(scale float32) {
	k := scale / n.Input.Scale
	for _, u := range n.Units {
		if n.readsImage(u) {
			u.scaleChannels([]float32{k})
		}
	}
}

// readsImage says whether the unit has weights for the image, or for the image
// narrowed.
func (n *Network) readsImage(u *Unit) bool {
	if !u.Kind.Weighted() {
		return false
	}
	from := u.Input().Origin()
	if s := from.Source; s != nil && !s.Kind.Weighted() && s.Bits != 0 { // the image, narrowed
		from = s.Inputs[0].Origin()
	}
	return from == n.Image
}

// weighChannels multiplies new weights that read channel c of the image by s[c]/s[0].
// The graph feeds all channels at the scale of the first, as integers have one scale
// for an accumulator; by what the scales of channels differ is in the weights.
func (n *Network) weighChannels(u *Unit) {
	if n.Input.Own == nil || !n.readsImage(u) {
		return
	}
	var factors []float32
	for _, p := range n.Input.Own {
		factors = append(factors, p.Scale/n.Input.Scale)
	}
	u.scaleChannels(factors)
}

// scaleChannels multiplies the weights that read channel c of the unit's input by
// factors[c modulo their number].
func (u *Unit) scaleChannels(factors []float32) {
	each := u.Input().Channels / u.Window.Groups
	taps := u.Window.Taps() * each
	for i := range u.Weight.Value {
		group := i / taps / (u.Channels / u.Window.Groups)
		u.Weight.Value[i] *= factors[(group*each+i%each)%len(factors)]
	}
}
