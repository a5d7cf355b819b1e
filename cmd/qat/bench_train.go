// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"fmt"
	"io"
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

	batch, threads, steps int
}

type stepTimes struct {
	Min float64 `json:"min"`
	P50 float64 `json:"p50"`
}

func benchTrainCommand() *cobra.Command {
	var set []string
	var steps int
	var asJSON bool
	c := &cobra.Command{
		Use:   "train",
		Short: "Measure a training step",
		Long: `Measure a training step with quantizers and, in turn with it, without: forward,
backward and optimizer, on images that come with the program, brought to 28x28x1 for
mlp and lenet, else to 32x32x3.`,
		Example: `  qat bench train
  qat bench train --model resnet20 --batch 128 --method pact --weight-bits 4 --activation-bits 4 --json`,
		Args: arguments(0, 0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			if steps < 1 {
				return usagef(c, "--steps %d measures nothing, want 1 or more", steps)
			}
			r := benchRecipe()
			if err := applyRecipeFlags(c, r, set); err != nil {
				return err
			}
			b, err := measureTraining(c, r, steps)
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
	addJSON(c, &asJSON)
	return c
}

// trainer takes steps, quantized and float, over the batches of a data set.
type trainer struct {
	network   *layers.Network
	optimizer optim.Optimizer
	all       []*graph.Param
	float     []*graph.Param // without what quantizers learn
	split     datasets.Split
	at        int
}

func (t *trainer) step(quantize bool, rate float32) (float64, error) {
	run := t.network.Graph.Run
	run.Quantize, run.Observe = quantize, quantize
	params := t.float
	if quantize {
		params = t.all
	}
	batch, size := t.network.Graph.Batch(), len(t.split.Images)/t.split.Len()
	if t.at+batch > t.split.Len() {
		t.at = 0
	}
	loss, err := t.network.Step(t.split.Images[t.at*size:(t.at+batch)*size], t.split.Labels[t.at:t.at+batch])
	if err != nil {
		return 0, err
	}
	t.at += batch
	t.optimizer.Step(params, rate)
	t.network.Constrain()
	return float64(loss), nil
}

func measureTraining(c *cobra.Command, r *recipe.Recipe, steps int) (*trainBenchmark, error) {
	pool := kernel.NewPool(threadsOf(r.Threads))
	defer pool.Close()
	t, err := newTrainer(r, pool)
	if err != nil {
		return nil, err
	}
	rate := float32(r.QAT.LR)
	b := &trainBenchmark{
		Parameters: t.network.Parameters(), MACs: t.network.MACs(), batch: r.Batch, threads: pool.Threads(), steps: steps,
	}
	const warmUp = 2
	quantized, float := make([]time.Duration, steps), make([]time.Duration, steps)
	var mallocs uint64
	for i := -warmUp; i < steps; i++ {
		if err := c.Context().Err(); err != nil {
			return nil, err
		}
		start := time.Now()
		if _, err := t.step(false, rate); err != nil {
			return nil, err
		}
		floatTime := time.Since(start)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start = time.Now()
		loss, err := t.step(true, rate)
		if err != nil {
			return nil, err
		}
		time := time.Since(start)
		runtime.ReadMemStats(&after)
		if i == -warmUp {
			b.LossFirst = loss
		}
		if b.LossLast = loss; i >= 0 {
			quantized[i], float[i] = time, floatTime
			mallocs += after.Mallocs - before.Mallocs
		}
	}
	b.AllocsPerStep = mallocs / uint64(steps)
	q, f := percentiles(quantized), percentiles(float)
	b.Step, b.FloatStep = stepTimes{q.Min, q.P50}, stepTimes{f.Min, f.P50}
	b.FakequantOverhead = q.P50/f.P50 - 1
	b.ImagesPerSecond = float64(r.Batch) / q.P50 * 1e3
	b.PeakRSSMB = peakRSS()
	return b, nil
}

// newTrainer builds the recipe's network for the images that come with the
// program.
func newTrainer(r *recipe.Recipe, pool *kernel.Pool) (*trainer, error) {
	shape := benchShape(r)
	d, err := datasets.Open(recipe.Default().Data.Name, datasets.Options{Height: shape.Height, Width: shape.Width, Channels: shape.Channels})
	if err != nil {
		return nil, err
	}
	if r.Batch > d.Train.Len() {
		return nil, fmt.Errorf("a batch of %d is more than the %d images there are", r.Batch, d.Train.Len())
	}
	mean, deviation := datasets.MeanDeviation(d.Train)
	n, err := benchNetwork(r, shape, mean, deviation, pool)
	if err != nil {
		return nil, err
	}
	if err := pipeline.Calibrate(n, d.Train.Head(r.Batch)); err != nil {
		return nil, err
	}
	t := &trainer{
		network: n, all: n.Graph.Params(), split: d.Train,
		optimizer: &optim.SGD{Momentum: r.QAT.Momentum, Nesterov: r.QAT.Nesterov, MaxNorm: r.QAT.ClipNorm},
	}
	for _, p := range t.all {
		if p.Group != graph.Clips {
			t.float = append(t.float, p)
		}
	}
	return t, nil
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
`, b.Parameters, b.MACs, b.batch, threadCount(b.threads), b.steps, b.Step.Min, b.Step.P50, b.FloatStep.Min, b.FloatStep.P50,
		100*b.FakequantOverhead, b.ImagesPerSecond, b.AllocsPerStep, b.PeakRSSMB, b.LossFirst, b.LossLast)
}
