// SPDX-License-Identifier: Apache-2.0

package export_test

import (
	"math/rand/v2"
	"testing"

	"github.com/goqat/goqat/internal/kernel"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/network"
	"github.com/goqat/goqat/qat"
)

// gated is a network of functions of one tensor, products by channel and by value, chosen
// and shuffled channels, normalizations alone, an upsampling, and an average at the end:
// a squeeze-and-excitation, a unit of ShuffleNet, a layer of DenseNet.
func gated() layers.Module {
	conv := func(channels, kernel int, a network.Activation) layers.Module {
		return layers.Conv2D{Channels: channels, Kernel: kernel, Pad: kernel / 2, Activation: a}
	}
	return layers.Graph{
		{Name: "stem", Module: conv(8, 3, network.HardSwish)},
		{Name: "wide", Module: layers.Conv2D{Channels: 8, Kernel: 3, Pad: 1, Depthwise: true, Activation: network.ReLU}},
		{Module: layers.GlobalAvgPool{}},
		{Module: layers.Conv2D{Channels: 3, Kernel: 1, NoNorm: true, Activation: network.SiLU}},
		{Name: "gate", Module: layers.Conv2D{Channels: 8, Kernel: 1, NoNorm: true, Activation: network.HardSigmoid}},
		{Name: "excited", Inputs: []string{"wide", "gate"}, Module: layers.Multiply{}},
		{Name: "left", Module: layers.Slice{Channels: 4}},
		{Name: "right", Inputs: []string{"excited"}, Module: layers.Slice{First: 4}},
		{Name: "changed", Module: conv(4, 3, network.PReLU)},
		{Inputs: []string{"left", "changed"}, Module: layers.Concat{}},
		{Name: "shuffled", Module: layers.Shuffle{Groups: 2}},
		{Module: layers.Norm{Activation: network.ReLU}},
		{Name: "new", Module: conv(5, 3, network.Identity)},
		{Name: "grown", Inputs: []string{"shuffled", "new"}, Module: layers.Concat{}},
		{Name: "soft", Module: layers.Activate{Activation: network.Sigmoid}},
		{Inputs: []string{"grown", "soft"}, Module: layers.Multiply{}},
		{Module: layers.MaxPool{Size: 2}},
		{Module: layers.Norm{Activation: network.LeakyReLU, Slope: 0.1}},
		{Module: layers.Upsample{Factor: [2]int{2, 1}}},
		{Module: conv(6, 3, network.ReLU6)},
		{Module: layers.Activate{Activation: network.ReLU}},
		{Module: conv(3, 1, network.ReLU)},
		{Module: layers.GlobalAvgPool{}},
	}
}

// TestGated exports such a network with every method: every integer of every set of
// kernels equals the training graph's.
func TestGated(t *testing.T) {
	pool := kernel.NewPool(2)
	defer pool.Close()
	for _, m := range qat.Methods() {
		t.Run(m.Info().Name, func(t *testing.T) {
			widths := m.Info().Usual
			n, err := layers.Build(gated(), layers.Config{
				Name: "gated", Classes: []string{"a", "b", "c"}, Batch: 4, Seed: 5, Pool: pool,
				Input:  layers.Input{Height: 7, Width: 9, Channels: 1, Params: layers.Normalized(0.4, 0.3)},
				Policy: qat.Policy{Method: m, WeightBits: widths.WeightBits, ActivationBits: widths.ActivationBits, FirstLast: qat.FirstLast8},
			})
			if err != nil {
				t.Fatal(err)
			}
			g := &generator{Rand: rand.New(rand.NewPCG(2, 1)), seen: map[string]bool{}}
			g.shake(n)
			images := g.images(n, 5)
			g.calibrate(t, n, images)
			checkKernels(t, n, images)
		})
	}
}
