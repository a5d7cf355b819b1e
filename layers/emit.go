// SPDX-License-Identifier: Apache-2.0

package layers

import (
	"fmt"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/network"
	"github.com/goqat/goqat/qat"
)

// emitters add what a unit computes to the training graph, before its epilogue: an op
// for each kind, from the file of its module.
var emitters = [...]func(n *Network, u *Unit) *graph.Node{
	network.Convolution:    (*Network).emitWeighted,
	network.FullyConnected: (*Network).emitWeighted,
	network.Addition:       emitNothing,
	network.Maximum:        emitMaximum,
	network.Average:        emitAverage,
	network.Reshape:        emitReshape,
	network.Drop:           emitDrop,
	network.Lookup:         emitNothing,
	network.Sign:           emitNothing,
	network.Concatenation:  emitConcat,
	network.Nonlinearity:   emitNonlinearity,
	network.Normalization:  emitNormalization,
	network.Product:        emitProduct,
	network.Selection:      emitSelection,
	network.Upsampling:     emitUpsampling,
}

// emitNothing is the emitter of what an epilogue does alone.
func emitNothing(_ *Network, u *Unit) *graph.Node { return u.Input().node }

// emit adds the unit to the graph.
func (n *Network) emit(u *Unit) {
	x := emitters[u.Kind](n, u)
	if u.Kind.Keeps() || u.Output.Sums {
		u.Output.node = x
		return
	}
	u.Output.Quantizer = n.quantizer(u)
	e := graph.Epilogue{Terms: []graph.Term{{X: x, Norm: u.Norm, Bias: u.Bias}}, Replaced: n.Assignment.Replaced[u.Output.Name]}
	if u.Kind.Activates() {
		e.Activation = u.Activation
	}
	for _, in := range u.Added() {
		t := graph.Term{X: in.node}
		if in.Sums {
			t.Norm, t.Bias = in.Source.Norm, in.Source.Bias
		}
		e.Terms = append(e.Terms, t)
	}
	if q := u.Output.Quantizer; q != nil {
		e.Quantizer = q
	}
	u.Output.node = n.Graph.Epilogue(u.Name, e)
}

// quantizer makes the quantizer of a unit's result, nil if it has none.
func (n *Network) quantizer(u *Unit) qat.Activation {
	t := u.Output
	r, ok := n.Assignment.Tensors[t.Name]
	switch {
	case !ok:
		return nil
	case r.Method == nil:
		return qat.Image(r.Last(), n.Input.Params, n.Policy.PowerOfTwo)
	}
	width := func(bits int, last bool) qat.Activation {
		return r.Method.Activation(n.Graph, widthName(t.Name, bits, last), qat.Options{
			Bits: bits, Signed: r.Signed, Size: t.Size(), PowerOfTwo: n.Policy.PowerOfTwo, MinMax: n.Policy.MinMax, Online: r.Online, EWGS: n.Policy.EWGS,
		})
	}
	if len(r.Bits) == 1 || r.Method.Info().Signs {
		return width(r.Last(), true)
	}
	return qat.NewPhasedActivation(r.Bits, width)
}

// widthName names a quantizer: the last one by what it quantizes, earlier ones with
// their bits appended.
func widthName(name string, bits int, last bool) string {
	if last {
		return name
	}
	return fmt.Sprintf("%s.%dbits", name, bits)
}
