// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/goqat/goqat/infer"
	"github.com/goqat/goqat/recipe"
)

// benchmark is the outcome of `qat bench`.
type benchmark struct {
	Kernel         string  `json:"kernel"`
	Threads        int     `json:"threads"`
	Batch          int     `json:"batch"`
	Runs           int     `json:"runs"`
	Latency        latency `json:"latency_ms"` // of a run of the whole batch
	ImagesPerSec   float64 `json:"images_per_second"`
	MACs           int64   `json:"macs"` // of an image
	GMACsPerSecond float64 `json:"gmacs_per_second"`
	AllocsPerRun   uint64  `json:"allocs_per_run"`
	LoadMS         float64 `json:"load_ms"` // to read, check and plan the model
}

type latency struct {
	Min float64 `json:"min"`
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
}

// benchFlags are the flags of `qat bench`.
type benchFlags struct {
	threads, batch, runs int
	work                 int64
	kernel               string
	set                  []string
	json                 bool
}

func benchCommand() *cobra.Command {
	var f benchFlags
	c := &cobra.Command{
		Use:   "bench [MODEL.qmodel]",
		Short: "Measure latency and throughput of inference",
		Long: `Measure latency and throughput of inference on integers: of a .qmodel, or of an
untrained network named with --model, of the given method and bits, on 28x28x1
images for mlp and lenet, else 32x32x3, and 10 classes.`,
		Example: `  qat bench runs/lenet-pact-w4a4/model.qmodel --threads 2 --batch 8
  qat bench --model resnet20 --method int --weight-bits 8
  qat bench train --model lenet --batch 64`,
		Args: arguments(0, 1, "one .qmodel at most, or the verb train"),
		RunE: func(c *cobra.Command, args []string) error {
			b, err := f.run(c, args)
			if err != nil {
				return err
			}
			if f.json {
				return printJSON(c.OutOrStdout(), b)
			}
			return b.print(c.OutOrStdout())
		},
	}
	addRecipeFlags(c, benchRecipe(), &f.set, "model", "method", "weight-bits", "activation-bits", "first-last")
	c.Flags().Lookup("model").DefValue = "" // one must be named
	c.Flags().IntVar(&f.threads, "threads", 1, "threads, 0 for all processors")
	addWork(c, &f.work)
	c.Flags().IntVar(&f.batch, "batch", 1, "images a run")
	c.Flags().IntVar(&f.runs, "runs", 0, "runs to measure, 0 for about two seconds of them")
	addKernel(c, &f.kernel)
	addJSON(c, &f.json)
	c.AddCommand(benchTrainCommand())
	return c
}

// benchRecipe is what `qat bench` measures where no flag says otherwise.
func benchRecipe() *recipe.Recipe {
	r := recipe.Default()
	r.Model.Width = 1
	r.QAT.Method, r.QAT.WeightBits, r.QAT.ActivationBits = "int", 8, 8
	return r
}

func (f *benchFlags) run(c *cobra.Command, args []string) (*benchmark, error) {
	if f.batch < 1 || f.batch > maxBatch || f.threads < 0 || f.threads > infer.MaxThreads || f.runs < 0 {
		return nil, usagef(c, "--batch %d --threads %d --runs %d: want a batch of 1 to %d, at most %d threads, and nothing negative", f.batch, f.threads, f.runs, maxBatch, infer.MaxThreads)
	}
	read, err := f.model(c, args)
	if err != nil {
		return nil, err
	}
	start := time.Now()
	m, err := read()
	if err != nil {
		return nil, err
	}
	r, err := m.NewRunner(infer.Options{Batch: f.batch, Threads: threadsOf(f.threads), Kernel: f.kernel, Work: f.work})
	if err != nil {
		return nil, err
	}
	defer r.Close()
	b := &benchmark{Kernel: r.Kernel(), Threads: threadsOf(f.threads), Batch: f.batch, LoadMS: milliseconds(time.Since(start))}
	for _, l := range r.Layers() {
		b.MACs += l.MACs
	}
	in := m.Input()
	images := make([]uint8, f.batch*in.Height*in.Width*in.Channels)
	random := rand.New(rand.NewPCG(1, 0))
	for i := range images {
		images[i] = uint8(random.Uint32())
	}
	logits := make([]int32, f.batch*len(m.Classes()))
	return b, b.measure(c, f.runs, func() error { return r.Run(logits, images) })
}

// model returns how to read the model to measure.
func (f *benchFlags) model(c *cobra.Command, args []string) (func() (*infer.Model, error), error) {
	if len(args) == 1 {
		for _, flag := range []string{"model", "method", "weight-bits", "activation-bits", "first-last", "set"} {
			if c.Flags().Changed(flag) {
				return nil, usagef(c, "--%s is for untrained networks, %s has its own", flag, args[0])
			}
		}
		return func() (*infer.Model, error) { return openModel(args[0]) }, nil
	}
	if !c.Flags().Changed("model") && !c.Flags().Changed("set") {
		return nil, usagef(c, "name a .qmodel, or an untrained network with --model")
	}
	r := benchRecipe()
	if err := applyRecipeFlags(c, r, f.set); err != nil {
		return nil, err
	}
	file, err := untrained(r)
	if err != nil {
		return nil, err
	}
	return func() (*infer.Model, error) { return infer.FromBytes(file) }, nil
}

// maxBatch keeps the images of a run, which this program makes, far from the limits of memory.
const maxBatch = 1 << 16

// measuring is how long `qat bench` measures without --runs.
const measuring = 2 * time.Second

// measure times runs after some to warm up.
func (b *benchmark) measure(c *cobra.Command, runs int, run func() error) error {
	const warmUp = 3
	start := time.Now()
	for range warmUp {
		if err := run(); err != nil {
			return err
		}
	}
	if runs == 0 {
		runs = int(min(max(warmUp*measuring/max(1, time.Since(start)), 10), 1e6))
	}
	times := make([]time.Duration, runs)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for i := range times {
		if err := c.Context().Err(); err != nil {
			return err
		}
		start := time.Now()
		if err := run(); err != nil {
			return err
		}
		times[i] = time.Since(start)
	}
	runtime.ReadMemStats(&after)
	var total time.Duration
	for _, t := range times {
		total += t
	}
	b.Runs, b.Latency = runs, percentiles(times)
	b.AllocsPerRun = (after.Mallocs - before.Mallocs) / uint64(runs) // what others allocate meanwhile is less than one a run
	b.ImagesPerSec = float64(runs*b.Batch) / total.Seconds()
	b.GMACsPerSecond = float64(b.MACs) * b.ImagesPerSec * 1e-9
	return nil
}

// percentiles sorts times and returns their percentiles (nearest rank) in
// milliseconds.
func percentiles(times []time.Duration) latency {
	slices.Sort(times)
	rank := func(percent int) float64 { return milliseconds(times[(len(times)*percent+99)/100-1]) }
	return latency{milliseconds(times[0]), rank(50), rank(99)}
}

func milliseconds(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }

// print writes the benchmark for people.
func (b *benchmark) print(w io.Writer) error {
	each := ""
	if b.Batch > 1 {
		each = fmt.Sprintf(" for a batch, median %.4f ms an image", b.Latency.P50/float64(b.Batch))
	}
	return printf(w, `kernel %s, %s, batch %d, %d runs, loaded in %.1f ms
latency     min %.3f ms, median %.3f ms, 99 %% below %.3f ms%s
throughput  %.0f images/s, %.2f GMAC/s (%d MACs an image)
allocations %d a run
`, b.Kernel, threadCount(b.Threads), b.Batch, b.Runs, b.LoadMS,
		b.Latency.Min, b.Latency.P50, b.Latency.P99, each, b.ImagesPerSec, b.GMACsPerSecond, b.MACs, b.AllocsPerRun)
}

func threadCount(n int) string {
	if n == 1 {
		return "1 thread"
	}
	return fmt.Sprintf("%d threads", n)
}
