// SPDX-License-Identifier: Apache-2.0

// Package benchmark measures inference on integers and training steps, of models
// and of untrained networks.
package benchmark
