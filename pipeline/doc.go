// SPDX-License-Identifier: Apache-2.0

// Package pipeline is a whole training as one call: from a recipe's data through
// the float network, the quantized one and its export to the comparison of the
// integer runtime with the training graph, in a run folder that can be resumed
// after any interruption. It is what `qat train` does.
package pipeline
