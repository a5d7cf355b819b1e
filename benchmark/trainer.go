// SPDX-License-Identifier: Apache-2.0

package benchmark

import (
	"fmt"
	"math"
	"runtime"
	"time"

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/optim"
	"github.com/goqat/goqat/pipeline"
	"github.com/goqat/goqat/recipe"
)

// newTrainer builds the recipe's network for the images that come with the
// program, and returns these.
func newTrainer(r *recipe.Recipe, pool *graph.Pool) (*trainer, datasets.Split, error) {
	shape := Shape(r)
	d, err := datasets.Open(recipe.Default().Data.Name, datasets.Options{Height: shape.Height, Width: shape.Width, Channels: shape.Channels})
	if err != nil {
		return nil, datasets.Split{}, err
	}
	split := d.Train // alone, so that the other images can be collected
	if r.Batch > split.Len() {
		return nil, datasets.Split{}, fmt.Errorf("benchmark: a batch of %d is more than the %d images there are", r.Batch, split.Len())
	}
	mean, deviation, err := datasets.MeanDeviation(split)
	if err != nil {
		return nil, datasets.Split{}, err
	}
	n, err := build(r, shape, mean, deviation, pool)
	if err != nil {
		return nil, datasets.Split{}, err
	}
	if err := pipeline.Calibrate(n, split.Head(r.Batch)); err != nil {
		return nil, datasets.Split{}, err
	}
	o, err := pipeline.NewOptimizer(r.QAT.Phase, r.QAT.ClipDecay, pool)
	if err != nil {
		return nil, datasets.Split{}, err
	}
	t := &trainer{network: n, all: n.Graph.Params(), rate: float32(r.QAT.LR), optimizer: o}
	for _, p := range t.all {
		if p.Group != graph.Clips {
			t.float = append(t.float, p)
		}
	}
	return t, split, nil
}

// trainer takes steps, quantized and float.
type trainer struct {
	network   *layers.Network
	optimizer optim.Optimizer
	rate      float32
	all       []*graph.Param
	float     []*graph.Param // without what quantizers learn
	gradients time.Duration  // what the last step took for them
}

// step returns the loss and the time of a step.
func (t *trainer) step(quantize bool, b batches) (loss float32, took time.Duration, err error) {
	pass := graph.Pass{Quantize: quantize, Observe: quantize}
	params := t.float
	if quantize {
		params = t.all
	}
	start := time.Now()
	images, labels := b.next()
	if loss, err = t.network.Step(pass, images, labels); err != nil {
		return 0, 0, err
	}
	t.gradients = time.Since(start)
	t.optimizer.Step(params, t.rate)
	t.network.Constrain(pass)
	return loss, time.Since(start), nil
}

// allocations returns the least of some quantized steps: what the rest of the
// process allocates meanwhile does not count. Reading them stops the world, which
// the step after feels, so that these steps are not timed.
func (t *trainer) allocations(b batches) (uint64, error) {
	least := uint64(math.MaxUint64)
	for i := 0; i < 10 && least > 0; i++ {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, _, err := t.step(true, b); err != nil {
			return 0, err
		}
		runtime.ReadMemStats(&after)
		least = min(least, after.Mallocs-before.Mallocs)
	}
	return least, nil
}
