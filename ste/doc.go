// SPDX-License-Identifier: Apache-2.0

// Package ste has the fake-quantize ops of training: they round in the forward
// pass, and in the backward pass let the gradient straight through where the
// formula of the method says so (Bengio, Léonard, Courville 2013).
//
// [Affine] quantizes with given scales and zero points; [PACT], [LSQ] and [Clip]
// say where to clip; [DoReFa], [XNOR], [TWN], [TTQ], [Powers] and [Bases] are for
// weights of few levels, [Sign] and [Steps] for activations of signs. All are
// formulas on plain slices, used as the last stage of a graph.Epilogue or, for
// shadow weights, through [Weights].
package ste
