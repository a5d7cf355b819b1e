// SPDX-License-Identifier: Apache-2.0

// Package layers has the modules of networks and the networks themselves.
//
// A [Module] is a layer or a composition of layers, written as a Go literal:
//
//	layers.Chain{
//		layers.Conv2D{Channels: 32, Kernel: 5, Activation: network.ReLU},
//		layers.MaxPool{Size: 2},
//		layers.Linear{Channels: 10, Bias: true},
//	}
//
// [Build] works in three steps with a value between each. [Trace] turns the module
// into a network.Network: a convolution with the normalization, the addition and the
// activation after it is one operator, as it is in the integer runtime. qat.Assign
// decides from the network and a qat.Policy how each weighted layer and each tensor is
// quantized. [Emit] builds the training graph, a [Unit] for each operator. What export
// needs to lower a network is in the units; nothing is found out by inspecting the
// graph.
package layers
