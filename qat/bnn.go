// SPDX-License-Identifier: Apache-2.0

package qat

import (
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/ste"
)

// BNN is the method "bnn": weights and activations are signs (Hubara et al. 2016,
// algorithm 1). Weights are quantized as by "binaryconnect"; activations are the signs
// of what a layer computes, instead of its rectifier, with the gradient of a
// hard tanh (equation 4; ste.Sign).
type BNN struct{}

// Info implements [Method].
func (BNN) Info() Info {
	return Info{
		Name:           "bnn",
		For:            "1 bit throughout: the smallest and fastest, the least accurate",
		Paper:          "Hubara et al. 2016, arXiv:1602.02830",
		WeightBits:     []int{1},
		ActivationBits: []int{1},
		Usual:          Widths{1, 1},
		Integers:       true,
		Signs:          true,
	}
}

// Weights implements [Method].
func (BNN) Weights(g *graph.Graph, name string, o Options, shape []int) Weights {
	return newBinaryWeights(g, name, o, shape)
}

// Activation implements [Method].
func (BNN) Activation(*graph.Graph, string, Options) Activation {
	return signActivation{ste.Sign{}}
}
