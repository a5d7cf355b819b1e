// SPDX-License-Identifier: Apache-2.0

// Package layers has the modules of networks and the networks themselves.
//
// A [Module] is a layer or a composition of layers, written as a Go literal:
//
//	layers.Chain{
//		layers.Conv2D{Channels: 32, Kernel: 5, Activation: graph.ReLU},
//		layers.MaxPool{Size: 2},
//		layers.Linear{Channels: 10, Bias: true},
//	}
//
// [Build] traces it into [Unit]s — a convolution with the normalization,
// addition and activation behind it is one unit, as it is one operator of the
// integer runtime — decides with a qat.Policy how each weighted layer and each
// tensor is quantized, and adds them to a training graph. What export needs to
// lower a network is in the units; nothing is found out by inspecting the graph.
package layers
