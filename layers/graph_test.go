// SPDX-License-Identifier: Apache-2.0

package layers_test

import (
	"strings"
	"testing"

	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/network"
)

// TestGraph traces branches that read each other by name.
func TestGraph(t *testing.T) {
	bare := layers.Conv2D{Channels: 4, Kernel: 1}
	g := layers.Graph{
		{Name: "stem", Module: conv(4)},
		{Name: "left", Module: bare},
		{Name: "right", Inputs: []string{"stem"}, Module: layers.Chain{conv(4), bare}},
		{Name: "far", Inputs: []string{"input"}, Module: bare},
		{Name: "sum", Inputs: []string{"right", "left", "far", "stem"}, Module: layers.Add{}},
		{Module: layers.GlobalAvgPool{}},
		{Module: layers.Linear{Channels: 10}},
	}
	n, err := layers.Trace(g, 4, 4, 2)
	if err != nil {
		t.Fatal(err)
	}
	want := `image 4×4×2
conv1 = convolution(image) 4×4×4, 3×3 window with stride 1, padding [1 1 1 1], normalized, relu
conv2 = convolution(conv1) 4×4×4, 1×1 window with stride 1, normalized, sums
conv3 = convolution(conv1) 4×4×4, 3×3 window with stride 1, padding [1 1 1 1], normalized, relu
conv4 = convolution(conv3) 4×4×4, 1×1 window with stride 1, normalized, sums
conv5 = convolution(image, conv4, conv2, conv1) 4×4×4, 1×1 window with stride 1, normalized
globalavgpool1 = average(conv5) 1×1×4, 4×4 window with stride 1
fc1 = linear(globalavgpool1) 1×1×10, biased
`
	if got := n.String(); got != want {
		t.Errorf("traced:\n%swant\n%s", got, want)
	}
}

func TestGraphErrors(t *testing.T) {
	for want, g := range map[string]layers.Graph{
		`b reads "c", which is no layer before it`:                                                {{Name: "a", Module: conv(2)}, {Name: "b", Inputs: []string{"c"}, Module: conv(2)}, {Name: "c", Module: conv(2)}},
		"b reads 2 tensors, and takes one":                                                        {{Name: "a", Module: conv(2)}, {Name: "b", Inputs: []string{"a", "input"}, Module: conv(2)}},
		`d reads "a", which is no layer before it, or one whose result an activation has changed`: {{Name: "a", Module: layers.Conv2D{Channels: 2, Kernel: 1}}, {Module: layers.Activate{Activation: network.ReLU}}, {Name: "d", Inputs: []string{"a"}, Module: conv(2)}},
		"add1 adds 4×4×3 to 4×4×2":                                                                {{Name: "a", Module: conv(2)}, {Name: "b", Module: conv(3)}, {Inputs: []string{"a", "b"}, Module: layers.Add{}}},
	} {
		if _, err := layers.Trace(g, 4, 4, 2); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}
