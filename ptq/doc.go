// SPDX-License-Identifier: Apache-2.0

// Package ptq quantizes a trained float network without training it: post-training
// quantization. It sets the scales of weights and the ranges of tensors from a few
// images, by the rules of package calibrate ([Weights], [Ranges]), and repairs what
// that costs ([Quantize]). [Measure] says what each layer alone costs.
package ptq
