// SPDX-License-Identifier: Apache-2.0

package search

import (
	"slices"

	"github.com/goqat/goqat/energy"
	"github.com/goqat/goqat/export"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/qat"
	"github.com/goqat/goqat/qmodel"
)

// A ledger lists what the bits of a network are spent on: layers with weights, the
// tensors that they read, and the rest.
type ledger struct {
	layers  []layer
	tensors []tensor
	work    []entry // of every operator, for energy
	packing qmodel.Packing
}

// A layer has weights whose bits are chosen.
type layer struct {
	name    string
	form    *qmodel.Weights // what the model says of its weights, but for the bits
	weights int
	macs    int64
	input   int // in tensors
}

// A tensor is quantized, to bits that are chosen or to its own.
type tensor struct {
	name   string
	values int64
	chosen bool // else bits stay
	fixed  bool // the image, sums and logits, which no policy quantizes
	bits   int
	layers []int // that read it
}

// An entry is the work of an operator where bits are left open.
type entry struct {
	energy.Layer     // without bits
	layer        int // whose weights it has, −1 for none
	moves        []move
}

// A move is values of a tensor's bits that an operator reads or writes.
type move struct {
	tensor int
	values int64
}

// Bits are those of every layer's weights and of every tensor, in the order of a ledger.
type bits struct{ weights, tensors []int }

// imageBits are those of the image, of sums and of logits.
const (
	imageBits = qat.ImageBits
	sumBits   = 32
)

// newLedger lists a network whose policy asks for the bits least of every layer's
// weights and input, and for others elsewhere: tensors that have the bits least can be
// chosen.
func newLedger(n *layers.Network, least int) *ledger {
	l := &ledger{}
	at := map[*layers.Tensor]int{}
	number := func(t *layers.Tensor) int {
		o := t.Origin()
		if o.Shared != nil {
			o = o.Shared
		}
		if i, ok := at[o]; ok {
			return i
		}
		at[o] = len(l.tensors)
		k := tensor{name: o.Name, values: int64(o.Size()), bits: sumBits}
		switch {
		case o.Source == nil:
			k.bits, k.fixed = imageBits, true
		case o.Quantizer != nil:
			k.bits = o.Quantizer.Bits()
			_, ranged := o.Quantizer.(qat.Ranged)
			k.chosen = ranged && k.bits == least
		default:
			k.fixed = true
		}
		l.tensors = append(l.tensors, k)
		return at[o]
	}
	for _, u := range n.Units {
		if u.Kind.TrainingOnly() || u.Kind.Keeps() && !u.Kind.Windowed() { // nothing is moved
			continue
		}
		e := entry{layer: -1}
		for _, t := range append(slices.Clone(u.Inputs), u.Output) {
			e.moves = append(e.moves, move{number(t), int64(t.Size())})
		}
		outputs := int64(u.Output.Size())
		e.Adds = outputs * int64(len(u.Added()))
		if u.Kind.Averages() {
			e.Adds = outputs * int64(u.Window.Taps())
		}
		if u.Kind.Weighted() {
			weights := len(u.Weight.Value)
			e.layer, e.MACs = len(l.layers), int64(u.Output.Height)*int64(u.Output.Width)*int64(weights)
			in := number(u.Input())
			l.tensors[in].layers = append(l.tensors[in].layers, len(l.layers))
			l.layers = append(l.layers, layer{u.Name, export.Weights(u), weights, e.MACs, in})
		}
		l.work = append(l.work, e)
	}
	for i := range l.tensors { // bits of what no layer reads are not asked for by any
		l.tensors[i].chosen = l.tensors[i].chosen && len(l.tensors[i].layers) > 0
	}
	return l
}

// of returns the work of all operators at given bits.
func (l *ledger) of(b bits) []energy.Layer {
	list := make([]energy.Layer, len(l.work))
	for i, e := range l.work {
		w := e.Layer
		for _, m := range e.moves {
			w.Activations.Values += m.values
			w.Activations.Bits += m.values * int64(b.tensors[m.tensor])
		}
		if e.layer >= 0 {
			n := int64(l.layers[e.layer].weights)
			w.WeightBits, w.InputBits = b.weights[e.layer], b.tensors[l.layers[e.layer].input]
			w.Weights = energy.Numbers{Values: n, Bits: n * int64(w.WeightBits)}
		}
		list[i] = w
	}
	return list
}
