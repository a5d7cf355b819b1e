// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/internal/kernel"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/optim"
	"github.com/goqat/goqat/pipeline"
	"github.com/goqat/goqat/recipe"
)

// trainBenchmark is the outcome of `qat bench train`. A step is forward, backward
// and the optimizer, on a batch in memory.
type trainBenchmark struct {
	Parameters        int       `json:"parameters"`
	MACs              int       `json:"macs"` // of an image, forward
	Step              stepTimes `json:"step_ms"`
	FloatStep         stepTimes `json:"float_step_ms"` // the same network without quantizers
	FakequantOverhead float64   `json:"fakequant_overhead"`
	ImagesPerSecond   float64   `json:"images_per_second"` // at the median
	AllocsPerStep     uint64    `json:"allocs_per_step"`
	PeakRSSMB         float64   `json:"peak_rss_mb"`
	LossFirst         float64   `json:"loss_first"`
	LossLast          float64   `json:"loss_last"`

	LoaderStep      *stepTimes `json:"loader_step_ms,omitempty"` // with batches of a loader
	LoadingOverhead *float64   `json:"loading_overhead,omitempty"`

	batch, threads, steps int
}

type stepTimes struct {
	Min float64 `json:"min"`
	P50 float64 `json:"p50"`
}

func benchTrainCommand() *cobra.Command {
	var set []string
	var steps int
	var loader, roofline, asJSON bool
	c := &cobra.Command{
		Use:   "train",
		Short: "Measure a training step",
		Long: `Measure a training step with quantizers and, in turn with it, without: forward,
backward and optimizer, on images that come with the program, brought to 28x28x1 for
mlp and lenet, else to 32x32x3. The batches are in memory; with --loader it measures
steps, too, whose batches a loader shuffles and augments meanwhile.

With --roofline it shows instead the fastest quantized step op by op, each beside the
time that the machine allows: its multiply-adds at the speed of a loop on registers,
or its inputs and results, each passed once, at the speed of a copy in memory,
whichever takes longer. Both speeds are measured first, on the same threads.`,
		Example: `  qat bench train
  qat bench train --model resnet20 --batch 128 --method pact --weight-bits 4 --activation-bits 4 --json
  qat bench train --loader --set data.augment.crop=4 --set data.augment.flip=true
  qat bench train --roofline --model resnet20 --batch 128 --threads 1`,
		Args: arguments(0, 0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			if steps < 1 {
				return usagef(c, "--steps %d measures nothing, want 1 or more", steps)
			}
			if roofline && loader {
				return usagef(c, "--roofline measures no loader: leave out --loader")
			}
			r := benchRecipe()
			if err := applyRecipeFlags(c, r, set); err != nil {
				return err
			}
			if roofline {
				l, err := measureRoofline(c, r, steps)
				if err != nil {
					return err
				}
				if asJSON {
					return printJSON(c.OutOrStdout(), l)
				}
				return l.print(c.OutOrStdout())
			}
			b, err := measureTraining(c, r, steps, loader)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(c.OutOrStdout(), b)
			}
			return b.print(c.OutOrStdout())
		},
	}
	addRecipeFlags(c, benchRecipe(), &set, "model", "method", "weight-bits", "activation-bits", "first-last", "batch", "seed", "threads")
	c.Flags().IntVar(&steps, "steps", 30, "steps of each kind to measure")
	c.Flags().BoolVar(&loader, "loader", false, "measure steps with batches of a loader, too")
	c.Flags().BoolVar(&roofline, "roofline", false, "show each op of a step beside the time the machine allows")
	addJSON(c, &asJSON)
	return c
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

// batches are whole batches without end.
type batches interface {
	next() (images []uint8, labels []int32)
}

// A stored set of batches is in memory as it is.
type stored struct {
	split     datasets.Split
	batch, at int
}

func (s *stored) next() ([]uint8, []int32) {
	if s.at+s.batch > s.split.Len() {
		s.at = 0
	}
	from, size := s.at, len(s.split.Images)/s.split.Len()
	s.at += s.batch
	return s.split.Images[from*size : s.at*size], s.split.Labels[from:s.at]
}

// loaded are the batches of a loader.
type loaded struct {
	*datasets.Loader
	batch, epoch int
}

func (l *loaded) next() ([]uint8, []int32) {
	for {
		if images, labels, ok := l.Next(); ok && len(labels) == l.batch {
			return images, labels
		}
		l.epoch++
		l.Start(l.epoch, 0)
	}
}

func measureTraining(c *cobra.Command, r *recipe.Recipe, steps int, loader bool) (*trainBenchmark, error) {
	pool := kernel.NewPool(threadsOf(r.Threads))
	defer pool.Close()
	t, split, err := newTrainer(r, pool)
	if err != nil {
		return nil, err
	}
	b := &trainBenchmark{
		Parameters: t.network.Parameters(), MACs: t.network.MACs(), batch: r.Batch, threads: pool.Threads(), steps: steps,
	}
	const warmUp = 2
	quantized, float := make([]time.Duration, steps), make([]time.Duration, steps)
	memory := &stored{split: split, batch: r.Batch}
	for i := -warmUp; i < steps; i++ {
		if err := c.Context().Err(); err != nil {
			return nil, err
		}
		_, floatTime, err := t.step(false, memory)
		if err != nil {
			return nil, err
		}
		loss, took, err := t.step(true, memory)
		if err != nil {
			return nil, err
		}
		if i == -warmUp {
			b.LossFirst = float64(loss)
		}
		if b.LossLast = float64(loss); i >= 0 {
			quantized[i], float[i] = took, floatTime
		}
	}
	if b.AllocsPerStep, err = t.allocations(memory); err != nil {
		return nil, err
	}
	q, f := percentiles(quantized), percentiles(float)
	b.Step, b.FloatStep = stepTimes{q.Min, q.P50}, stepTimes{f.Min, f.P50}
	b.FakequantOverhead = q.P50/f.P50 - 1
	b.ImagesPerSecond = float64(r.Batch) / q.P50 * 1e3
	if loader {
		if err := b.measureLoader(c, r, t, memory); err != nil {
			return nil, err
		}
	}
	b.PeakRSSMB = peakRSS()
	return b, nil
}

// measureLoader takes steps with batches in memory and steps with those of a
// loader in turn: so many of each that what the loader fills meanwhile is what
// they use.
func (b *trainBenchmark) measureLoader(c *cobra.Command, r *recipe.Recipe, t *trainer, memory *stored) error {
	in := t.network.Input
	l, err := datasets.NewLoader(memory.split, datasets.Shape{Height: in.Height, Width: in.Width, Channels: in.Channels}, datasets.LoaderOptions{
		Batch: r.Batch, Seed: uint64(r.Seed), Shuffle: true,
		Crop: r.Data.Augment.Crop, Flip: r.Data.Augment.Flip, Fill: uint8(in.ZeroPoint),
	})
	if err != nil {
		return err
	}
	defer l.Close()
	const turn = 20
	sources := [2]batches{memory, &loaded{Loader: l, batch: r.Batch}}
	var times [2][]time.Duration
	for len(times[0]) < b.steps {
		n := min(turn, b.steps-len(times[0]))
		for k, source := range sources {
			source.next() // a loader begins to fill
			for range n {
				if err := c.Context().Err(); err != nil {
					return err
				}
				_, took, err := t.step(true, source)
				if err != nil {
					return err
				}
				times[k] = append(times[k], took)
			}
		}
	}
	m, f := percentiles(times[0]), percentiles(times[1])
	overhead := f.P50/m.P50 - 1
	b.LoaderStep, b.LoadingOverhead = &stepTimes{f.Min, f.P50}, &overhead
	return nil
}

// newTrainer builds the recipe's network for the images that come with the
// program, and returns these.
func newTrainer(r *recipe.Recipe, pool *kernel.Pool) (*trainer, datasets.Split, error) {
	shape := benchShape(r)
	d, err := datasets.Open(recipe.Default().Data.Name, datasets.Options{Height: shape.Height, Width: shape.Width, Channels: shape.Channels})
	if err != nil {
		return nil, datasets.Split{}, err
	}
	if r.Batch > d.Train.Len() {
		return nil, datasets.Split{}, fmt.Errorf("a batch of %d is more than the %d images there are", r.Batch, d.Train.Len())
	}
	mean, deviation := datasets.MeanDeviation(d.Train)
	n, err := benchNetwork(r, shape, mean, deviation, pool)
	if err != nil {
		return nil, datasets.Split{}, err
	}
	if err := pipeline.Calibrate(n, d.Train.Head(r.Batch)); err != nil {
		return nil, datasets.Split{}, err
	}
	t := &trainer{
		network: n, all: n.Graph.Params(), rate: float32(r.QAT.LR),
		optimizer: &optim.SGD{Momentum: r.QAT.Momentum, Nesterov: r.QAT.Nesterov, MaxNorm: r.QAT.ClipNorm, Pool: pool},
	}
	for _, p := range t.all {
		if p.Group != graph.Clips {
			t.float = append(t.float, p)
		}
	}
	return t, d.Train, nil
}

// peakRSS returns the most memory the process had resident, in megabytes, as the
// system counts it; without such a count, what Go took from the system.
func peakRSS() float64 {
	if f, err := os.Open("/proc/self/status"); err == nil {
		defer f.Close()
		for s := bufio.NewScanner(f); s.Scan(); {
			var kilobytes float64
			if rest, ok := strings.CutPrefix(s.Text(), "VmHWM:"); ok {
				if _, err := fmt.Sscanf(rest, "%f kB", &kilobytes); err == nil {
					return kilobytes * 1024 * 1e-6
				}
			}
		}
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.Sys) * 1e-6
}

// print writes the benchmark for people.
func (b *trainBenchmark) print(w io.Writer) error {
	return printf(w, `%d parameters, %d MACs an image, batch %d, %s, %d steps
step         min %.2f ms, median %.2f ms
float step   min %.2f ms, median %.2f ms
overhead     %.1f %%
throughput   %.0f images/s
allocations  %d a step
memory       %.0f MB at most
loss         %.4f first, %.4f last
%s`, b.Parameters, b.MACs, b.batch, threadCount(b.threads), b.steps, b.Step.Min, b.Step.P50, b.FloatStep.Min, b.FloatStep.P50,
		100*b.FakequantOverhead, b.ImagesPerSecond, b.AllocsPerStep, b.PeakRSSMB, b.LossFirst, b.LossLast, lines(b.loading()))
}

// loading is the line about a loader, empty without one.
func (b *trainBenchmark) loading() string {
	if b.LoaderStep == nil {
		return ""
	}
	return fmt.Sprintf("with loader  min %.2f ms, median %.2f ms, %+.1f %%\n", b.LoaderStep.Min, b.LoaderStep.P50, 100**b.LoadingOverhead)
}
