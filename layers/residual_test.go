// SPDX-License-Identifier: Apache-2.0

package layers_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/network"
	"github.com/goqat/goqat/qat"
)

// TestShortcutFollowsBothSides has residual blocks of stride 2 on images whose
// height and width shrink by different factors: the shortcut's 1×1 convolution has
// a stride for each.
func TestShortcutFollowsBothSides(t *testing.T) {
	pool := graph.NewPool(1)
	defer pool.Close()
	for _, size := range [][2]int{{1, 128}, {2, 64}, {9, 40}, {40, 9}, {29, 45}, {3, 1}, {7, 7}} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			block := func(stride int) layers.Module {
				return layers.Residual{Activation: network.ReLU, Body: layers.Chain{
					layers.Conv2D{Channels: 4, Kernel: 3, Stride: stride, Pad: 1, Activation: network.ReLU},
					layers.Conv2D{Channels: 4, Kernel: 3, Pad: 1},
				}}
			}
			_, err := layers.Build(layers.Chain{block(2), block(3), layers.GlobalAvgPool{}, layers.Linear{Channels: 2}}, layers.Config{
				Input: layers.Input{Height: size[0], Width: size[1], Channels: 1, Params: layers.Normalized(0.5, 0.3)}, Classes: []string{"a", "b"},
				Batch: 1, Pool: pool, Policy: qat.Policy{Method: qat.PACT{}, WeightBits: 4, ActivationBits: 4},
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// TestNarrowedResidualsAreNoOp has a residual whose tensors keep 8 bits: what makes codes
// of fewer bits of them is one pass, that of the quantizer.
func TestNarrowedResidualsAreNoOp(t *testing.T) {
	pool := graph.NewPool(1)
	defer pool.Close()
	conv := layers.Conv2D{Channels: 4, Kernel: 3, Pad: 1, Activation: network.ReLU}
	block := layers.Residual{Activation: network.ReLU, Body: layers.Chain{conv, conv}}
	n, err := layers.Build(layers.Chain{conv, block, block, layers.GlobalAvgPool{}, layers.Linear{Channels: 2}}, layers.Config{
		Input: layers.Input{Height: 8, Width: 8, Channels: 1, Params: layers.Normalized(0.5, 0.3)}, Classes: []string{"a", "b"},
		Batch: 1, Pool: pool, Policy: qat.Policy{Method: qat.LSQ{}, WeightBits: 2, ActivationBits: 2, Residuals: qat.Wide},
	})
	if err != nil {
		t.Fatal(err)
	}
	narrow := 0
	for _, op := range n.Graph.Profile() {
		if strings.HasSuffix(op.Name, ".narrow") {
			narrow++
		}
		if strings.Contains(op.Name, ".narrow.real") {
			t.Errorf("%s is an op of its own", op.Name)
		}
	}
	if narrow != 2 {
		t.Errorf("%d tensors are narrowed, want 2", narrow)
	}
}
