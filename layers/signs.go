// SPDX-License-Identifier: Apache-2.0

package layers

import (
	"fmt"
	"slices"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/qat"
	"github.com/goqat/goqat/quant"
	"github.com/goqat/goqat/ste"
)

// binarize gives every layer that reads signs the signs of its input. Where all
// who read a tensor ask for the same, the tensor itself is signs; elsewhere they
// are those of a unit of their own, behind a tensor that has 8 bits or more that
// others ask for (contract, Numerics 5). The magnitudes of the input are one that
// reads it, too.
func (n *Network) binarize() {
	for _, u := range slices.Clone(n.Units) {
		if u.Weighted() && u.Policy.Signs() && (n.Policy.InputScaling || !signsOnly(u.Input.Origin(), u.Policy)) {
			n.insertSign(u)
		}
	}
}

// signsOnly says whether all who read t want the signs that l asks for.
func signsOnly(t *Tensor, l qat.Layer) bool {
	if t.Source == nil {
		return false
	}
	for _, u := range t.readers {
		switch {
		case u.passes() && signsOnly(u.Output, l):
		case u.Weighted() && u.Input == t && u.Residual != t && u.Policy.Signs() && sameInput(u.Policy, l):
		default:
			return false
		}
	}
	return true
}

// sameInput says whether two layers ask for the same of what they read.
func sameInput(a, b qat.Layer) bool {
	return a.Input.Info().Name == b.Input.Info().Name && a.ActivationBits == b.ActivationBits
}

// insertSign puts a unit that takes signs before u, or one that is there already.
func (n *Network) insertSign(u *Unit) {
	x := u.Input
	var sign *Unit
	others := 0
	for _, r := range x.readers {
		if r.Kind == Sign {
			others++
			if sameInput(r.Policy, u.Policy) {
				sign = r
			}
		}
	}
	if u.Residual != x {
		x.readers = slices.DeleteFunc(x.readers, func(r *Unit) bool { return r == u })
	}
	if sign == nil {
		name := x.Name + ".sign"
		if others > 0 {
			name += fmt.Sprint(others + 1)
		}
		sign = &Unit{Name: name, Kind: Sign, Input: x, Policy: u.Policy}
		sign.Output = &Tensor{Name: name, Height: x.Height, Width: x.Width, Channels: x.Channels, Source: sign}
		x.readers = append(x.readers, sign)
		n.Units = slices.Insert(n.Units, slices.Index(n.Units, u), sign)
	}
	u.Input = sign.Output
	sign.Output.readers = append(sign.Output.readers, u)
}

// Replaced says whether signs take the place of the unit's activation: those of
// its result, or of what is computed from it without another weighted layer.
// Rectified, it would have but one sign.
func (u *Unit) Replaced() bool { return u.Output.signsTaken() }

// signsTaken says whether someone takes the signs of t.
func (t *Tensor) signsTaken() bool {
	return slices.ContainsFunc(t.readers, func(u *Unit) bool {
		switch {
		case u.Kind == Sign, u.Weighted() && u.Input == t && u.Policy.Signs():
			return true
		default:
			return (!u.Weighted() || u.Residual == t) && u.Output.signsTaken()
		}
	})
}

// Signs returns the quantizer of a tensor of signs, and false for other tensors.
func (t *Tensor) Signs() (qat.Signs, bool) {
	s, ok := t.Origin().Quantizer.(qat.Signs)
	return s, ok
}

// emitConv adds the unit's accumulators, of weights w: with a border of −1 where
// the input are signs, and an accumulator for each sign and each set of weights.
func (n *Network) emitConv(u *Unit, w *graph.Node) *graph.Node {
	g, x, window := n.Graph, u.Input.node, u.Window
	var inputs, weights graph.Planes
	if signs, ok := u.Input.Signs(); ok {
		inputs = graph.SignPlanes(signs.Bits())
		if window.Padded() {
			x = g.PadSigns(u.Name+".border", u.Input.Origin().Name, x, window, signs.Learned())
			window.Pad = [4]int{}
		}
	}
	if u.Quantizer != nil {
		weights = planes(u.Quantizer)
	}
	if u.Output.Role == Accumulators && (several(inputs) || several(weights)) {
		u.Output.Role = Codes // there is not one tensor of them to add
	}
	name := u.Name
	if u.Output.Role != Accumulators { // the name is that of the unit's result
		name += ".accumulators"
	}
	y := g.Conv2D(name, x, w, window)
	if b := n.Policy.GradientBits; u.inner && b != 0 && b != qat.FloatBits && g.Err() == nil {
		y.SetGradient(&ste.Gradient{Bits: b, Layer: graph.NewLayer(u.Name)})
	}
	if g.Err() == nil {
		y.SetPlanes(inputs, weights)
	}
	if n.Policy.InputScaling && inputs != nil {
		y = g.ScaleByInput(u.Name+".scaled", y, u.Input.Source.Input.node, u.Window)
	}
	return y
}

// several says whether integers fall apart.
func several(p graph.Planes) bool { return p != nil && p.Count() > 1 }

// planes says how integer weights fall apart, nil for not at all.
func planes(q qat.Weights) graph.Planes {
	switch q.Coding() {
	case quant.Split:
		return graph.SplitPlanes{}
	case quant.Planes:
		return graph.SignPlanes(q.Bits())
	default:
		return nil
	}
}
