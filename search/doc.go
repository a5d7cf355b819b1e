// SPDX-License-Identifier: Apache-2.0

// Package search chooses the bits of every layer of a network under a budget. What bits
// cost in accuracy is measured on validation images, or ranked by the trace of the
// Hessian (HAWQ-V2, Dong et al. 2020, arXiv:1911.03852); what they save is counted, in
// bytes, bit-operations, estimated energy or mean bits. The choice between them is a
// multiple-choice knapsack, which is solved exactly on a grid ([Solve]).
package search
