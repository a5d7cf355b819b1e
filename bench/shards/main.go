// SPDX-License-Identifier: Apache-2.0

//go:build unix

// Command shards measures training steps of the same batch in one shard and in several, in turn:
//
//	go run ./bench/shards -threads 2 -steps 40
//
// With -cpu it measures the processor's time of the process instead of that of the clock, which other
// processes change less; it counts threads that wait, so one thread says most.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"slices"
	"syscall"
	"time"

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/dist"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/optim"
	"github.com/goqat/goqat/qat"
	"github.com/goqat/goqat/train"
)

var (
	threads = flag.Int("threads", 2, "threads of the process")
	batch   = flag.Int("batch", 128, "images a step")
	steps   = flag.Int("steps", 40, "steps of each kind")
	cpu     = flag.Bool("cpu", false, "measure processor time")
	method  = flag.String("method", "lsq", "how the network is quantized, at 4 bits")
)

func main() {
	log.SetFlags(0)
	flag.Parse()
	for _, name := range []string{"lenet", "resnet20"} {
		var measured [][]time.Duration
		counts := []int{1, 8}
		if err := measure(name, counts, &measured); err != nil {
			log.Fatal(err)
		}
		var medians []float64
		for i, times := range measured {
			slices.Sort(times)
			medians = append(medians, times[len(times)/2].Seconds()*1e3)
			fmt.Printf("%-9s %d × %3d images, %d threads: median %.1f ms, least %.1f ms\n", name, counts[i], *batch/counts[i], *threads, medians[i], times[0].Seconds()*1e3)
		}
		fmt.Printf("%-9s %.3f of the median of one shard, %.3f of the least\n", name, medians[1]/medians[0], measured[1][0].Seconds()/measured[0][0].Seconds())
	}
}

// measure takes steps of a network with each number of shards, in turn.
func measure(name string, counts []int, measured *[][]time.Duration) error {
	*measured = make([][]time.Duration, len(counts))
	turn, done := make([]chan bool, len(counts)), make(chan error)
	for i, shards := range counts {
		turn[i] = make(chan bool)
		l, err := loop(name, shards)
		if err != nil {
			return err
		}
		var start time.Duration
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		l.Hooks = []train.Hook{{Step: func(*train.Loop, train.Metrics) error {
			(*measured)[i] = append((*measured)[i], now()-start)
			done <- nil
			<-turn[i]
			start = now()
			return nil
		}}}
		go func() {
			<-turn[i]
			start = now()
			done <- l.Run(ctx)
		}()
	}
	const warm = 3
	for range warm + *steps {
		for i := range counts {
			turn[i] <- true
			if err := <-done; err != nil {
				return err
			}
		}
	}
	for i, times := range *measured {
		(*measured)[i] = times[warm:]
	}
	return nil
}

// began is when the clock began.
var began = time.Now()

// now is the time of the clock, or that of the processor.
func now() time.Duration {
	if !*cpu {
		return time.Since(began)
	}
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		log.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// loop returns an endless training.
func loop(name string, shards int) (*train.Loop, error) {
	h, w, c := layers.DefaultInput(name)
	d, err := datasets.Open("fashion-sample", datasets.Options{Height: h, Width: w, Channels: c})
	if err != nil {
		return nil, err
	}
	m, err := layers.Named(name, 1, len(d.Classes))
	if err != nil {
		return nil, err
	}
	q, err := qat.Lookup(*method)
	if err != nil {
		return nil, err
	}
	pool := graph.NewPool(*threads)
	cut := &train.Shards{Group: dist.Local{}, Count: shards, Batch: *batch, Pool: pool}
	n, err := layers.Build(m, layers.Config{
		Name: name, Input: layers.Input{Height: h, Width: w, Channels: c, Params: layers.Normalized(0.3, 0.35)}, Classes: d.Classes,
		Batch: cut.Most(), Parts: shards > 1, Seed: 1, Pool: pool, Policy: qat.Policy{Method: q, WeightBits: 4, ActivationBits: 4},
	})
	if err != nil {
		return nil, err
	}
	n.Start()
	loader, err := datasets.NewLoader(d.Train, d.Shape, datasets.LoaderOptions{Batch: *batch, Seed: 1, Shuffle: true})
	if err != nil {
		return nil, err
	}
	l := &train.Loop{
		Network: n, Loader: loader, Optimizer: &optim.SGD{Momentum: 0.9, Pool: pool}, Params: n.Graph.Params(), Schedule: optim.Constant{Rate: 1e-4},
		Epochs: 1 << 20, Pass: graph.Pass{Seed: 1, Quantize: true, Observe: true},
	}
	if shards > 1 {
		l.Shards = cut
	}
	return l, nil
}
