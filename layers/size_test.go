// SPDX-License-Identifier: Apache-2.0

package layers_test

import (
	"strings"
	"testing"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/qat"
)

// TestNetworksTooLargeAreNotBuilt asks for networks beyond any machine: they are
// refused before anything of them is allocated.
func TestNetworksTooLargeAreNotBuilt(t *testing.T) {
	pool := graph.NewPool(1)
	defer pool.Close()
	wide, err := layers.Named("resnet56", 64, 10)
	if err != nil {
		t.Fatal(err)
	}
	huge := layers.Chain{layers.Conv2D{Channels: 2_000_000_000, Kernel: 3, Pad: 1}, layers.Conv2D{Channels: 2_000_000_000, Kernel: 65536, Pad: 65535}, layers.GlobalAvgPool{}, layers.Linear{Channels: 10}}
	small := layers.Chain{layers.Conv2D{Channels: 4, Kernel: 3, Pad: 1}, layers.GlobalAvgPool{}, layers.Linear{Channels: 10}}
	for _, c := range []struct {
		name   string
		module layers.Module
		batch  int
		memory int64
		sizes  map[string]int
		want   string
	}{
		{"resnet56 of width 64", wide, 1, 16 << 30, nil, "make the network narrower"},
		{"two thousand million channels", huge, 1, 0, nil, "make the network narrower"},
		{"a large batch", small, 1 << 16, 1 << 20, nil, "batches of 65536"},
		{"another file", small, 1, 0, map[string]int{"conv1.weight": 107, "fc1.weight": 40}, "conv1 has 108 weights, the file 107"},
		{"a file without it", small, 1, 0, map[string]int{"conv1.weight": 108}, "fc1 has 40 weights, the file 0"},
		{"its own file", small, 1, 1 << 30, map[string]int{"conv1.weight": 108, "fc1.weight": 40}, ""},
	} {
		_, err := layers.Build(c.module, layers.Config{
			Input: layers.Input{Height: 32, Width: 32, Channels: 3, Params: layers.Normalized(0.5, 0.3)}, Classes: make([]string, 10),
			Batch: c.batch, Pool: pool, Memory: c.memory, Sizes: c.sizes, Policy: qat.Policy{Method: qat.PACT{}, WeightBits: 4, ActivationBits: 4},
		})
		if (c.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
}

// TestTrainingsThatDoNotFitAreNotBuilt: resnet20 in batches of 128 images of 32×32, of
// which a training was measured to take 225 MiB, is built where there are 512 MiB, and
// not where there are 200: its parameters and results alone would fit there.
func TestTrainingsThatDoNotFitAreNotBuilt(t *testing.T) {
	pool := graph.NewPool(1)
	defer pool.Close()
	m, err := layers.Named("resnet20", 1, 10)
	if err != nil {
		t.Fatal(err)
	}
	for memory, want := range map[int64]string{512 << 20: "", 200 << 20: "a training takes up to"} {
		_, err := layers.Build(m, layers.Config{
			Input: layers.Input{Height: 32, Width: 32, Channels: 1, Params: layers.Normalized(0.5, 0.3)}, Classes: make([]string, 10),
			Batch: 128, Pool: pool, Memory: memory, Policy: qat.Policy{Method: qat.PACT{}, WeightBits: 4, ActivationBits: 4},
		})
		if (want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%d MiB: error %v, want %q", memory>>20, err, want)
		}
	}
}
