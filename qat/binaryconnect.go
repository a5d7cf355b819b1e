// SPDX-License-Identifier: Apache-2.0

package qat

import (
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/ste"
)

// BinaryConnect is the method "binaryconnect": weights are the signs of latent
// ones, deterministically (Courbariaux et al. 2015, equation 1 and algorithm 1):
//
//	y  = H·sign(w), sign(0) = +1
//	dw = dy
//
// Latent weights are clipped to [−1, 1] after every step. H is 1 before a batch
// normalization; elsewhere it is what unitScale returns. Activations are quantized as by "int".
type BinaryConnect struct{}

// Info implements [Method].
func (BinaryConnect) Info() Info {
	return Info{
		Name:           "binaryconnect",
		For:            "weights of 1 bit, activations of 8",
		Paper:          "Courbariaux et al. 2015, arXiv:1511.00363",
		WeightBits:     []int{1},
		ActivationBits: Int{}.Info().ActivationBits,
		Usual:          Widths{1, 8},
		Integers:       true,
	}
}

// Weights implements [Method].
func (BinaryConnect) Weights(g *graph.Graph, name string, o Options, shape []int) Weights {
	return newBinaryWeights(g, name, o, shape)
}

// Activation implements [Method], as [Int] does.
func (BinaryConnect) Activation(g *graph.Graph, name string, o Options) Activation {
	return Int{}.Activation(g, name, o)
}

// binaryWeights are signs of latent weights times a constant.
type binaryWeights struct {
	measured
	scale float32
}

func newBinaryWeights(_ *graph.Graph, _ string, o Options, shape []int) Weights {
	return &binaryWeights{scale: unitScale(o.Norm, shape)}
}

func (b *binaryWeights) Bits() int             { return 1 }
func (b *binaryWeights) Constrain(w []float32) { clipLatent(w) }

func (b *binaryWeights) Forward(dst, w []float32) {
	for i, v := range w {
		dst[i] = ste.SignOf(v) * b.scale
	}
}

func (b *binaryWeights) Backward(dw, _, dy []float32, _ [][]float32) { copy(dw, dy) }

// StepSizes implements [ste.Stepped].
func (b *binaryWeights) StepSizes(steps []float32) (all []float32, most int) {
	return append(steps, b.scale), 1
}

func (b *binaryWeights) Integers(codes []int16, w []float32) []float32 {
	for i, v := range w {
		codes[i] = int16(ste.SignOf(v))
	}
	return []float32{b.scale}
}
