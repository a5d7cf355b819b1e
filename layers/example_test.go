// SPDX-License-Identifier: Apache-2.0

package layers_test

import (
	"fmt"

	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/network"
)

// twoPaths is a module of one's own: two convolutions beside each other, of a row and
// of a column of pixels, whose results are added.
type twoPaths struct{ Channels int }

func (m twoPaths) Trace(t *layers.Tracer, x *network.Tensor) *network.Tensor {
	defer t.Enter(t.Name("", "paths"))()
	row, column := layers.Conv2D{Name: "row", Channels: m.Channels, Same: true}, layers.Conv2D{Name: "column", Channels: m.Channels, Same: true}
	row.Window.Kernel, column.Window.Kernel = [2]int{1, 5}, [2]int{5, 1}
	return layers.Add{Activation: network.ReLU}.Join(t, []*network.Tensor{row.Trace(t, x), column.Trace(t, x)})
}

// A module of one's own is made of those that there are, and used like them.
func ExampleModule() {
	n, err := layers.Trace(layers.Chain{twoPaths{4}, twoPaths{8}, layers.GlobalAvgPool{}, layers.Linear{Channels: 10}}, 8, 8, 1)
	if err != nil {
		panic(err)
	}
	fmt.Print(n)
	// Output:
	// image 8×8×1
	// paths1.row = convolution(image) 8×8×4, 1×5 window with stride 1, padding [0 2 0 2], normalized, sums
	// paths1.column = convolution(image, paths1.row) 8×8×4, 5×1 window with stride 1, padding [2 0 2 0], normalized, relu
	// paths2.row = convolution(paths1.column) 8×8×8, 1×5 window with stride 1, padding [0 2 0 2], normalized, sums
	// paths2.column = convolution(paths1.column, paths2.row) 8×8×8, 5×1 window with stride 1, padding [2 0 2 0], normalized, relu
	// globalavgpool1 = average(paths2.column) 1×1×8, 8×8 window with stride 1
	// fc1 = linear(globalavgpool1) 1×1×10, biased
}
