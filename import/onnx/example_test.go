// SPDX-License-Identifier: Apache-2.0

package onnx_test

import (
	"fmt"
	"log"

	"github.com/goqat/goqat/import/onnx"
	"github.com/goqat/goqat/network"
)

// A network is data: its head is exchanged for one of 5 classes, and its activations for ReLU6, before it is built and
// trained. The layers that stay have the file's parameters, the new one starts from random ones.
func ExampleImport() {
	m, err := onnx.Import(networks["residual"].file(), onnx.Options{})
	if err != nil {
		log.Fatal(err)
	}
	for _, o := range m.Network.Operators {
		if o.Activation == network.ReLU {
			o.Activation = network.ReLU6
		}
	}
	head := m.Network.Operator("fc")
	head.Name, head.Channels, head.Output.Channels = "head", 5, 5
	m.Classes = []string{"ant", "bee", "cat", "dog", "elk"}
	fmt.Print(m.Network)
	// Output:
	// image 5×5×1
	// a = convolution(image) 5×5×3, 3×3 window with stride 1, padding [1 1 1 1], biased, relu6
	// b = convolution(a) 5×5×3, 3×3 window with stride 1, padding [1 1 1 1], biased
	// add1 = addition(a, b) 5×5×3, relu6
	// avgpool1 = average(add1) 1×1×3, 5×5 window with stride 1
	// head = linear(avgpool1) 1×1×5, biased
}
