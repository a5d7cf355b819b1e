// SPDX-License-Identifier: Apache-2.0

package train_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/network"
	"github.com/goqat/goqat/optim"
	"github.com/goqat/goqat/qat"
	"github.com/goqat/goqat/train"
)

// A network is trained for two epochs, the second with quantizers, and its checkpoint is
// restored in a network of the same layers.
func ExampleLoop() {
	data, err := datasets.Open("fashion-sample", datasets.Options{})
	if err != nil {
		log.Fatal(err)
	}
	build := func() *layers.Network {
		net, err := layers.Build(layers.Chain{
			layers.Conv2D{Channels: 4, Kernel: 3, Stride: 2, Activation: network.ReLU},
			layers.Linear{Channels: len(data.Classes)},
		}, layers.Config{
			Name: "small", Classes: data.Classes, Batch: 32, Pool: graph.NewPool(1),
			Input:  layers.Input{Height: 28, Width: 28, Channels: 1, Params: layers.Normalized(0.286, 0.353)},
			Policy: qat.Policy{Method: qat.Int{}, WeightBits: 4, ActivationBits: 4},
		})
		if err != nil {
			log.Fatal(err)
		}
		return net
	}
	loader, err := datasets.NewLoader(data.Train.Head(1600), data.Shape, datasets.LoaderOptions{Batch: 32, Shuffle: true})
	if err != nil {
		log.Fatal(err)
	}

	net := build()
	schedule := qat.Schedule{Start: 1} // of the epoch with quantizers
	loop := train.Loop{
		Network: net, Params: net.Graph.Params(), Loader: loader, Epochs: 2,
		Optimizer: &optim.SGD{Momentum: 0.9}, Schedule: optim.Cosine{Rate: 0.05},
		Hooks: []train.Hook{{Name: "quantization", EpochStart: func(l *train.Loop) error {
			l.Pass = schedule.Pass(l.Position.Epoch)
			return nil
		}}},
	}
	if err := loop.Run(context.Background()); err != nil {
		log.Fatal(err)
	}

	folder, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "small.safetensors")
	if err := train.Capture(train.Info{Phase: "qat", Position: loop.Position}, net, loop.Optimizer).Write(path); err != nil {
		log.Fatal(err)
	}
	checkpoint, err := train.ReadCheckpoint(path)
	if err != nil {
		log.Fatal(err)
	}
	again := build()
	if err := checkpoint.Restore(again, nil); err != nil {
		log.Fatal(err)
	}

	quantized, images := graph.Pass{Quantize: true}, data.Test.Head(100)
	before, err := train.Evaluate(context.Background(), net, quantized, images, nil)
	if err != nil {
		log.Fatal(err)
	}
	after, err := train.Evaluate(context.Background(), again, quantized, images, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("epochs:", checkpoint.Info.Position.Epoch)
	fmt.Println("the same accuracy:", before.Accuracy == after.Accuracy)
	fmt.Println("better than chance:", after.Accuracy > 0.3)
	// Output:
	// epochs: 2
	// the same accuracy: true
	// better than chance: true
}
