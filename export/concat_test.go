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

// fourBranches are a 1×1 convolution, a 3×3 one after another, an average and a
// maximum of a tensor, next to each other, twice; the first result is a part of the
// second.
func fourBranches() layers.Module {
	conv := func(channels, kernel int) layers.Module {
		return layers.Conv2D{Channels: channels, Kernel: kernel, Pad: kernel / 2, Activation: network.ReLU}
	}
	block := func(stem string) layers.Graph {
		from := []string{stem}
		return layers.Graph{
			{Name: stem + "a", Inputs: from, Module: conv(5, 1)},
			{Name: stem + "b", Inputs: from, Module: layers.Chain{conv(4, 1), layers.Conv2D{Channels: 7, Kernel: 3, Pad: 1}}},
			{Name: stem + "c", Inputs: from, Module: layers.Chain{layers.AvgPool{Size: 2, Stride: 1}, layers.Conv2D{Channels: 3, Kernel: 2, Pad: 1, Activation: network.ReLU6}}},
			{Name: stem + "d", Inputs: from, Module: layers.MaxPool{Size: 3, Stride: 1, Pad: 1}},
			{Name: stem + "join", Inputs: []string{stem + "a", stem + "b", stem + "c", stem + "d"}, Module: layers.Concat{}},
		}
	}
	g := append(layers.Graph{{Name: "s", Module: conv(6, 3)}}, block("s")...)
	g = append(g, block("sjoin")...)
	return append(g,
		layers.Node{Name: "all", Inputs: []string{"sjoinjoin", "s"}, Module: layers.Concat{}},
		layers.Node{Module: conv(8, 3)}, layers.Node{Module: layers.GlobalAvgPool{}}, layers.Node{Module: layers.Linear{Channels: 3}})
}

// TestConcat exports a network of four branches with every method: every integer of
// every set of kernels equals the training graph's.
func TestConcat(t *testing.T) {
	pool := kernel.NewPool(2)
	defer pool.Close()
	for _, m := range qat.Methods() {
		t.Run(m.Info().Name, func(t *testing.T) {
			widths := m.Info().Usual
			n, err := layers.Build(fourBranches(), layers.Config{
				Name: "branches", Classes: []string{"a", "b", "c"}, Batch: 4, Seed: 5, Pool: pool,
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

// TestConcatShares has branches that only a concatenation reads rounded by its
// quantizer, and others brought to it by a table.
func TestConcatShares(t *testing.T) {
	traced, err := layers.Trace(fourBranches(), 7, 9, 1)
	if err != nil {
		t.Fatal(err)
	}
	a, err := qat.Assign(traced, &qat.Policy{Method: qat.PACT{}, WeightBits: 4, ActivationBits: 3})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"conv2": "concat1", "conv4": "concat1", "conv5": "concat1", "conv9": "concat2", "concat2": "concat3", "concat1": "", "conv1": ""} {
		if got := a.Shared[name]; got != want {
			t.Errorf("%s shares the quantizer of %q, want %q", name, got, want)
		}
	}
}
