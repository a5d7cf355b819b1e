// SPDX-License-Identifier: Apache-2.0

package qat

import (
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/quant"
	"github.com/goqat/goqat/ste"
)

// WRPN is the method "wrpn" (Mishra et al. 2018): weights are clipped to [−1, 1]
// and activations to [0, 1] (see ste.Clip), and the layers are wider instead,
// which is a matter of the network.
//
//	w: RNE((2^(k−1) − 1)·clip(w, −1, 1))/(2^(k−1) − 1)
//	x: RNE((2^k − 1)·clip(x, 0, 1))/(2^k − 1)
//
// Weights are measured in a unit, one a layer, which is fixed when quantization
// starts: the paper's is 1, but of usual weights, all much smaller, low bits
// would leave nothing but zeros. It starts where the codes fit the weights best.
type WRPN struct{}

// Info implements [Method].
func (WRPN) Info() Info {
	return Info{
		Name:           "wrpn",
		For:            "few bits in networks made wider",
		Paper:          "Mishra et al. 2018, arXiv:1709.01134",
		WeightBits:     []int{2, 3, 4, 5, 6, 7, 8},
		ActivationBits: []int{1, 2, 3, 4, 5, 6, 7, 8},
		Usual:          Widths{4, 4},
		Integers:       true,
		EWGS:           true,
		Steady:         true,
	}
}

// Weights implements [Method].
func (WRPN) Weights(_ *graph.Graph, name string, o Options, _ []int) Weights {
	return &wrpnWeights{name: name, bits: o.Bits, unit: []float32{1}, ewgs: o.ewgs()}
}

// Activation implements [Method].
func (WRPN) Activation(g *graph.Graph, name string, o Options) Activation {
	return newUnitActivation(g, name, o)
}

// wrpnWeights clips weights at a unit.
type wrpnWeights struct {
	measured
	name string
	bits int
	unit []float32 // one value
	ewgs ste.EWGS
}

func (q *wrpnWeights) Bits() int { return q.bits }

func (q *wrpnWeights) State() []graph.State {
	return []graph.State{{Name: q.name + ".unit", Data: q.unit}}
}

func (q *wrpnWeights) Start(w []float32) {
	f := quant.Weight(q.bits)
	s := symmetricWeights{affine: ste.Affine{Format: f}}
	q.unit[0] = s.scale(w) * float32(f.Max())
}

func (q *wrpnWeights) formula() *ste.Clip {
	most := float32(quant.Weight(q.bits).Max())
	return &ste.Clip{Scale: q.unit[0] / most, Least: -most, Most: most}
}

func (q *wrpnWeights) Forward(dst, w []float32) { q.formula().Forward(dst, w) }

func (q *wrpnWeights) Backward(dw, w, dy []float32, _ [][]float32) {
	f := q.formula()
	f.Backward(dw, w, dy)
	q.ewgs.Scale(dw, w, f.Scale)
}

// StepSizes implements [ste.Stepped].
func (q *wrpnWeights) StepSizes(steps []float32) (all []float32, most int) {
	f := q.formula()
	return append(steps, f.Scale), int(f.Most)
}

func (q *wrpnWeights) Integers(codes []int16, w []float32) []float32 {
	f := q.formula()
	f.Codes(codes, w)
	return []float32{f.Scale}
}
