// SPDX-License-Identifier: Apache-2.0

// Package ptq quantizes a trained float network without training it: post-training
// quantization. It sets the range of every quantized tensor from a few images, by
// the rules of package calibrate.
package ptq
