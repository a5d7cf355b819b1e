// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/spf13/cobra"

	"github.com/goqat/goqat/benchmark"
	"github.com/goqat/goqat/infer"
	"github.com/goqat/goqat/recipe"
)

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
			return printInference(c.OutOrStdout(), b)
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

func (f *benchFlags) run(c *cobra.Command, args []string) (*benchmark.Inference, error) {
	if f.batch < 1 || f.batch > maxBatch || f.threads < 0 || f.threads > infer.MaxThreads || f.runs < 0 {
		return nil, usagef(c, "--batch %d --threads %d --runs %d: want a batch of 1 to %d, at most %d threads, and nothing negative", f.batch, f.threads, f.runs, maxBatch, infer.MaxThreads)
	}
	read, err := f.model(c, args)
	if err != nil {
		return nil, err
	}
	o := infer.Options{Batch: f.batch, Threads: threadsOf(f.threads), Kernel: f.kernel, Work: f.work}
	return atOnce(c.Context(), func() (*benchmark.Inference, error) { return benchmark.MeasureInference(c.Context(), read, o, f.runs) })
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
	file, err := benchmark.Untrained(r, threadsOf(r.Threads))
	if err != nil {
		return nil, err
	}
	return func() (*infer.Model, error) { return infer.FromBytes(file) }, nil
}

// maxBatch keeps the images of a run, which this program makes, far from the limits of memory.
const maxBatch = 1 << 16
