// SPDX-License-Identifier: Apache-2.0

// Package export takes a trained network to integers.
//
// [Derive] turns it into a [Plan]: integer weights, multipliers and biases, batch
// normalization folded in. [Plan.Lower] writes the plan as a qmodel.Model for the
// integer runtime. [Verify] derives a plan anew, runs the training graph on
// integers with it, and compares every tensor with what the runtime computes
// from the file.
package export
