// SPDX-License-Identifier: Apache-2.0

// Package graph builds neural networks as Gorgonia expression graphs and runs
// them.
//
// A [Graph] is built once, from an Input through convolutions, epilogues and
// poolings to Finish, which has Gorgonia derive the gradients symbolically. It
// then serves training and evaluation, any batch up to its size, the float
// network and the quantized one: what varies is in the [Pass] that each run is
// given.
//
// Every op is goqat's own. A [Function] is the mathematics of one, on plain
// float32 slices; [Graph.Apply] turns it into a Gorgonia op with symbolic
// gradients. An [Executor] plans the memory of all results once, so that a step
// allocates nothing and results share memory that do not live at the same time.
// Activations are NHWC throughout, weights [out, height, width, in / groups].
//
// What follows a convolution — batch normalization, residual addition,
// activation, quantization — is one op, the [Epilogue]. It passes over memory
// once, and it is the unit that the integer runtime has too: in [Integer] runs
// the same graph computes on integers and its epilogues requantize exactly as
// package infer does.
package graph
