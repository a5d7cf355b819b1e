// SPDX-License-Identifier: Apache-2.0

package layers_test

import (
	"slices"
	"testing"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/qat"
)

// TestPassLeavesInFloat switches quantizers off one by one: a pass with all of them
// off is the float one, one of them on changes what comes after it, and a pass leaves
// nothing behind for the next.
func TestPassLeavesInFloat(t *testing.T) {
	n := build(t, layers.Chain{conv(3), conv(3), layers.Linear{Channels: 10}}, config(8, 8, 3, qat.Policy{Method: qat.Int{}, WeightBits: 2, ActivationBits: 2}))
	images, labels := noise(2*8*8*3), make([]int32, 2)
	forward := func(p graph.Pass) []float32 {
		t.Helper()
		y, err := n.Forward(p.In(graph.Eval), images, labels)
		if err != nil {
			t.Fatal(err)
		}
		return slices.Clone(y)
	}
	n.Start()
	forward(graph.Pass{Observe: true, Calibrate: true})
	float, quantized := forward(graph.Pass{}), forward(graph.Pass{Quantize: true})
	off := func(name string) bool { return true }
	if y := forward(graph.Pass{Quantize: true, Float: off}); !slices.Equal(y, float) {
		t.Errorf("with all quantizers off: %v, want %v", y, float)
	}
	for _, name := range []string{"conv1", "conv2.weight", "conv2"} {
		y := forward(graph.Pass{Quantize: true, Float: func(s string) bool { return s != name }})
		if slices.Equal(y, float) || slices.Equal(y, quantized) {
			t.Errorf("with %s alone: %v, which is that of all or of none", name, y)
		}
	}
	if y := forward(graph.Pass{Quantize: true}); !slices.Equal(y, quantized) {
		t.Errorf("after all that: %v, want %v", y, quantized)
	}
}
