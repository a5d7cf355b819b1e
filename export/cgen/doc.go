// SPDX-License-Identifier: Apache-2.0

// Package cgen writes a quantized network as C for microcontrollers: one file of C99 and its header, integers only, with
// no heap and no library but <stdint.h>.
//
// The code computes the integers of package infer, bit for bit; a known answer is compiled in with -DNET_TEST. Weights
// are constants at their packed width. The tensors share one arena, which the caller owns.
//
// Sums run over codes as they are: with x the code of an input and z its zero point,
//
//	Σ (x - z)·w = Σ x·w - z·Σ w
//
// and the last part, which is known beforehand, goes into the constant of the requantization. So does that of signs,
// whose bits b stand for 2b - 1. All this is exact modulo 2^64, and the sum that counts fits int64.
package cgen
