// SPDX-License-Identifier: Apache-2.0

package train_test

import (
	"bytes"
	"context"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/optim"
	"github.com/goqat/goqat/qat"
	"github.com/goqat/goqat/train"
)

// TestThreads trains the bundled networks for some steps with everything that a
// step has, loader, augmentation, quantizers, clipping and optimizer: their
// checkpoints have the same bytes for any number of threads.
func TestThreads(t *testing.T) {
	const images = 40
	shape := datasets.Shape{Height: 32, Width: 32, Channels: 3}
	rng := rand.New(rand.NewPCG(1, 2))
	split := datasets.Split{Images: make([]uint8, images*shape.Size()), Labels: make([]int32, images)}
	for i := range split.Images {
		split.Images[i] = uint8(rng.Uint32())
	}
	for i := range split.Labels {
		split.Labels[i] = int32(i % 10)
	}
	for _, c := range []struct{ network, method string }{
		{"mlp", "lsq"}, {"lenet", "pact"}, {"resnet20", "int"}, {"mobilenet", "lsq+"}, {"lenet", "dorefa"}, {"resnet20", "bnn"},
	} {
		var want []byte
		for _, threads := range []int{1, 2, 8} {
			pool := graph.NewPool(threads)
			got := trainOn(t, pool, c.network, c.method, split, shape)
			pool.Close()
			if want == nil {
				want = got
			} else if !bytes.Equal(got, want) {
				t.Errorf("%s, %s: another checkpoint on %d threads", c.network, c.method, threads)
			}
		}
	}
}

func trainOn(t *testing.T, pool *graph.Pool, network, method string, split datasets.Split, shape datasets.Shape) []byte {
	t.Helper()
	m, err := layers.Named(network, 0.25, 10)
	if err != nil {
		t.Fatal(err)
	}
	bits := 4
	if method == "bnn" {
		bits = 1
	}
	n, err := layers.Build(m, layers.Config{
		Input:   layers.Input{Height: shape.Height, Width: shape.Width, Channels: shape.Channels, Params: layers.Normalized(0.5, 0.25)},
		Classes: make([]string, 10), Batch: 16, Pool: pool, Policy: qat.Policy{Method: lookup(t, method), WeightBits: bits, ActivationBits: bits},
	})
	if err != nil {
		t.Fatal(err)
	}
	l, err := datasets.NewLoader(split, shape, datasets.LoaderOptions{Batch: 16, Shuffle: true, Augmentation: datasets.Augmentation{Crop: 2, Flip: true}})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	o := &optim.SGD{Momentum: 0.9, Nesterov: true, MaxNorm: 1, Groups: optim.Groups{graph.Weights: {Decay: 1e-4}}, Pool: pool}
	loop := train.Loop{Network: n, Loader: l, Optimizer: o, Params: n.Graph.Params(), Schedule: optim.Constant{Rate: 0.01}, Epochs: 1, Pass: graph.Pass{Quantize: true, Observe: true}}
	if err := loop.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	path := t.TempDir() + "/checkpoint.safetensors"
	if err := train.Capture(train.Info{}, n, o).Write(path); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
