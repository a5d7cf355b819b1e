// SPDX-License-Identifier: Apache-2.0

// Command activity trains a 1-D network to tell what the wearer of an accelerometer does, to 8 and to 4 bits, and writes
// the models and a recording of each activity, which examples/activity/sensor classifies without floating point:
//
//	go run ./examples/activity activities
//	go run ./examples/activity/sensor activities/activity-4bit.qmodel activities/walk.s16
package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/export"
	"github.com/goqat/goqat/geometry"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/infer"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/network"
	"github.com/goqat/goqat/optim"
	"github.com/goqat/goqat/qat"
	"github.com/goqat/goqat/qmodel"
	"github.com/goqat/goqat/train"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: activity FOLDER")
		os.Exit(2)
	}
	if err := run(context.Background(), os.Stdout, os.Args[1], 400, 12); err != nil {
		fmt.Fprintln(os.Stderr, "activity:", err)
		os.Exit(1)
	}
}

// run trains on so many recordings of each activity, for so many epochs, and writes into a folder.
func run(ctx context.Context, w io.Writer, dir string, recordings, epochs int) error {
	rng := rand.New(rand.NewPCG(1, 1))
	shape := datasets.Shape{Height: 1, Width: moments, Channels: axes}
	data, err := datasets.FromSamples(shape, names(), recorded(rng, recordings), recorded(rng, recordings/4), datasets.Options{})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	pool := graph.NewPool(runtime.NumCPU())
	defer pool.Close()
	for _, bits := range []int{8, 4} {
		model, err := trained(ctx, w, data, bits, epochs, pool)
		if err != nil {
			return fmt.Errorf("%d bits: %w", bits, err)
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("activity-%dbit.qmodel", bits)), model, 0o666); err != nil {
			return err
		}
	}
	for _, a := range activities {
		samples := stored(rng, a, 3)
		if err := os.WriteFile(filepath.Join(dir, a.name+".s16"), samples, 0o666); err != nil {
			return err
		}
	}
	return nil
}

// stored returns n recordings of an activity, one after the other, as an accelerometer's driver would store them: 16 bits
// a sample, the lower byte first, the axes in turns.
func stored(rng *rand.Rand, a activity, n int) (file []byte) {
	for range n {
		for _, s := range a.record(rng) {
			file = binary.LittleEndian.AppendUint16(file, uint16(s))
		}
	}
	return file
}

// trained trains a network, the first half of the epochs in float, and returns its model, of which it says how well it
// classifies and whether its integers are those of the training.
func trained(ctx context.Context, w io.Writer, data *datasets.Dataset, bits, epochs int, pool *graph.Pool) ([]byte, error) {
	input := layers.Input{Height: data.Height, Width: data.Width, Channels: data.Channels, Samples: data.Samples}
	means, deviations, err := datasets.MeansDeviations(data.Train, data.Channels)
	if err == nil {
		err = input.Normalize(means, deviations)
	}
	if err != nil {
		return nil, err
	}
	net, err := layers.Build(layers.Chain{
		layers.Conv2D{Channels: 12, Window: along, Activation: network.ReLU},
		layers.Conv2D{Channels: 16, Window: along, Activation: network.ReLU},
		layers.Conv2D{Channels: 24, Window: along, Activation: network.ReLU},
		layers.GlobalAvgPool{},
		layers.Linear{Channels: len(data.Classes)},
	}, layers.Config{Name: "activity", Input: input, Classes: data.Classes, Batch: 32, Pool: pool,
		Policy: qat.Policy{Method: qat.PACT{}, WeightBits: bits, ActivationBits: bits}})
	if err != nil {
		return nil, err
	}
	loader, err := datasets.NewLoader(data.Train, data.Shape, datasets.LoaderOptions{Batch: 32, Shuffle: true})
	if err != nil {
		return nil, err
	}
	defer loader.Close()
	schedule := qat.Schedule{Start: epochs / 2, FreezeNorm: epochs - 1}
	var float train.Result
	loop := train.Loop{Network: net, Params: net.Graph.Params(), Epochs: epochs, Loader: loader, Schedule: optim.Cosine{Rate: 0.05},
		Optimizer: &optim.SGD{Momentum: 0.9, Groups: optim.Groups{graph.Weights: {Decay: 5e-4}, graph.Clips: {Decay: 5e-4}}}}
	loop.Hooks = []train.Hook{{Name: "quantization", EpochStart: func(l *train.Loop) (err error) {
		l.Pass = schedule.Pass(l.Position.Epoch)
		if l.Position.Epoch == schedule.Start {
			float, err = train.Evaluate(ctx, net, graph.Pass{}, data.Test, nil)
		}
		return err
	}}}
	if err := loop.Run(ctx); err != nil {
		return nil, err
	}

	var file bytes.Buffer
	if err := export.Write(&file, net, export.About{Method: "pact", Data: qmodel.Data{Digest: data.Digest}}); err != nil {
		return nil, err
	}
	model, err := infer.FromBytes(file.Bytes())
	if err != nil {
		return nil, err
	}
	runner, err := model.NewRunner(infer.Options{Batch: 32})
	if err != nil {
		return nil, err
	}
	defer runner.Close()
	integer, err := train.EvaluateIntegers(ctx, runner.Run, 32, len(data.Classes), data.Test, nil)
	if err != nil {
		return nil, err
	}
	v, err := export.Verify(ctx, net, model, data.Test, 1, nil)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(w, "%d bits: float %.1f %%, integer %.1f %% of %d recordings; %d integers differ\n",
		bits, 100*float.Accuracy, 100*integer.Accuracy, v.Images, v.IntegerMismatches)
	return file.Bytes(), nil
}

// along is a convolution along time, which halves the moments.
var along = geometry.Window{Kernel: [2]int{1, 5}, Stride: [2]int{1, 2}, Pad: [4]int{0, 2, 0, 2}}
