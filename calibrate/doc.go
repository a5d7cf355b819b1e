// SPDX-License-Identifier: Apache-2.0

// Package calibrate finds the range of numbers that the codes of a tensor should
// cover, from the values that the tensor has for a few images, without training.
//
// A [Calibrator] is one rule of the field under its own name. It sees the values
// of a tensor image by image and keeps a summary whose size does not grow with
// their number. What it answers depends neither on how images are grouped into
// batches nor on threads; where it depends on the order of the images, by the
// rounding of a sum, the calibrator's comment says so.
package calibrate
