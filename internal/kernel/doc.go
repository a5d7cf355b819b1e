// SPDX-License-Identifier: Apache-2.0

// Package kernel holds the kernels of training, of float32 and, in forward passes of
// quantized layers, of integers: convolution with its two backward passes, pooling, and the
// per-channel and element-wise steps of a fused epilogue. Tensors are dense NHWC slices, weights [O, KH, KW, I/groups].
//
// Every convolution pass is one sum,
//
//	c[r, n] = sum over k of a[row(r) + step(k)] * b[k, n],
//
// over two tables of offsets, row and step, and panels b of sixteen columns:
//
//	pass             rows r           sum k            columns n
//	Forward          output pixels    taps x channels  output channels
//	BackwardInput    input pixels     taps x outputs   input channels
//	BackwardWeights  taps x channels  pixels           output channels
//
// so one family of micro-kernels serves all of them, with as many accumulators
// as there are registers (depthwise layers use a second family, in which a is a
// vector of channels as well). The tables point into the tensor itself or, where
// the layer pads, into a padded copy of a few rows of it that stays in the cache;
// nothing is unfolded in memory.
//
// Layers of 3 × 3 taps are filtered minimally where that takes less time: all their passes
// of real numbers are then 36 such sums, over tiles of 4 × 4 pixels (see minimal.go).
//
// Where both operands of a forward pass are whole numbers of a step, it is taken on
// integers of 8 or 16 bits (see [ConvPlan.ForwardIntegers]), whose sums are exact: there all
// tiers give the same bits.
//
// Work is cut into tiles whose size depends on the shapes and the batch only,
// and partial sums are added in a fixed order: results are the same bits for
// any number of threads. All tiers of kernels (see [Tier]) but AMX sum in the same order;
// the assembly fuses multiplications and additions in the convolutions, and
// nowhere else, so that AVX2 and AVX-512 give the same bits. The variable
// GOQAT_TRAIN_KERNELS of the environment holds a program to a tier: portable,
// avx2, avx512 or avx512vnni. With amx, layers of whole numbers are products of tiles,
// their gradients in an order of their own (see [ConvPlan.BackwardInputIntegers]).
package kernel

//go:generate sh -c "cd _asm && go run . -out ../kernels_amd64.s -stubs ../kernels_amd64.go -pkg kernel"
//go:generate sh -c "cd _asm/amx && go run main.go"
