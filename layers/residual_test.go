// SPDX-License-Identifier: Apache-2.0

package layers_test

import (
	"fmt"
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
