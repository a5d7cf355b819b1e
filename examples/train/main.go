// SPDX-License-Identifier: Apache-2.0

// Command train trains a network to 4 bits, exports it, and proves that the
// integer runtime computes in every tensor what the training graph does.
package main

import (
	"bytes"
	"context"
	"log"
	"runtime"

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/export"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/infer"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/network"
	"github.com/goqat/goqat/optim"
	"github.com/goqat/goqat/qat"
	"github.com/goqat/goqat/train"
)

func main() { log.Printf("%+v", run(context.Background(), 10000, 6)) }

func run(ctx context.Context, images, epochs int) export.Verification {
	data := must(datasets.Open("fashion-sample", datasets.Options{}))
	data.Train, data.Test = data.Train.Head(images), data.Test.Head(images/5)
	mean, deviation, err := datasets.MeanDeviation(data.Train)
	if err != nil {
		log.Fatal(err)
	}
	input := layers.Input{Height: 28, Width: 28, Channels: 1, Params: layers.Normalized(mean, deviation)}
	net := must(layers.Build(layers.Chain{
		layers.Conv2D{Channels: 8, Kernel: 5, Stride: 2, Pad: 2, Activation: network.ReLU},
		layers.Residual{Body: layers.Conv2D{Channels: 8, Kernel: 3, Pad: 1}, Activation: network.ReLU},
		layers.MaxPool{Size: 2},
		layers.Linear{Channels: 64, Norm: true, Activation: network.ReLU},
		layers.Linear{Channels: len(data.Classes)},
	}, layers.Config{Name: "example", Input: input, Classes: data.Classes, Batch: 50, Pool: graph.NewPool(runtime.NumCPU()),
		Policy: qat.Policy{Method: qat.PACT{}, WeightBits: 4, ActivationBits: 4}}))

	loop := train.Loop{Network: net, Params: net.Graph.Params(), Epochs: epochs, Schedule: optim.Cosine{Rate: 0.05},
		Loader:    must(datasets.NewLoader(data.Train, data.Shape, datasets.LoaderOptions{Batch: 50, Shuffle: true})),
		Optimizer: &optim.SGD{Momentum: 0.9, Groups: optim.Groups{graph.Weights: {Decay: 5e-4}, graph.Clips: {Decay: 5e-4}}}}
	schedule := qat.Schedule{Start: epochs / 2, FreezeNorm: epochs - 1} // the first half is float
	loop.Hooks = []train.Hook{{Name: "quantization", EpochStart: func(l *train.Loop) error {
		l.Pass = schedule.Pass(l.Position.Epoch)
		return nil
	}}}
	must(0, loop.Run(ctx))

	var file bytes.Buffer
	must(0, export.Write(&file, net, export.About{Method: "pact"}))
	return must(export.Verify(ctx, net, must(infer.FromBytes(file.Bytes())), data.Test, 1, nil))
}

// must returns v, or ends the program.
func must[T any](v T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return v
}
