// SPDX-License-Identifier: Apache-2.0

// Package diagnose finds out what is wrong with a quantized network, in the order in
// which the AIMET toolkit recommends to look: whether the float network works, what
// quantized weights and what quantized activations cost alone, what each layer costs;
// and looks for the causes that are met most: in the data, the weights, the statistics
// of batch normalization, the channels, the ranges and the sums.
package diagnose
