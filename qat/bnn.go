// SPDX-License-Identifier: Apache-2.0

package qat

import "github.com/goqat/goqat/ste"

// bnn is the method "bnn": weights and activations are signs (Hubara et al. 2016,
// algorithm 1). Weights are those of "binaryconnect"; activations are the signs
// of what a layer computes, in the place of its rectifier, with the gradient of a
// hard tanh (equation 4; ste.Sign).
var bnn = &Method{
	Name:           "bnn",
	Paper:          "Hubara et al. 2016, arXiv:1602.02830",
	WeightBits:     []int{1},
	ActivationBits: []int{1},
	Usual:          Widths{1, 1},
	Integers:       true,
	Signs:          true,
	weights:        newBinaryWeights,
	activations:    newSignActivation(ste.Sign{}),
}
