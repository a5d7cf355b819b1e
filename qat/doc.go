// SPDX-License-Identifier: Apache-2.0

// Package qat decides how a network is quantized while it trains: which method
// and how many bits each layer and each tensor gets, where ranges come from,
// and when observers and learned clips start and stop.
//
// A [Method] is one name of the field (int, pact, …), in a file of its own: how
// it quantizes shadow weights and activations. A [Policy] chooses method and
// bits layer by layer. The formulas with their gradients are in package ste.
package qat
