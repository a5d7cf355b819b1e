// SPDX-License-Identifier: Apache-2.0

// Package train runs a network over a data set: a small [Loop] that takes steps
// and calls hooks, evaluation, and checkpoints from which a killed run goes on
// to the same bits as one that was never stopped.
package train
