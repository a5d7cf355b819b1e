// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/spf13/cobra"

	"github.com/goqat/goqat/artifact"
	"github.com/goqat/goqat/benchmark"
	"github.com/goqat/goqat/infer"
	"github.com/goqat/goqat/internal/command"
	"github.com/goqat/goqat/internal/term"
	"github.com/goqat/goqat/recipe"
)

// benchFlags are the flags of `qat bench`.
type benchFlags struct {
	o    infer.Options
	runs int
	set  []string
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
		Args: command.Arguments(0, 1, "one .qmodel at most, or the verb train"),
		RunE: func(c *cobra.Command, args []string) error {
			b, err := f.run(c, args)
			if err != nil {
				return err
			}
			return command.Result(c, b, func(p *term.Page) { printInference(p, b) })
		},
	}
	addRecipeFlags(c, benchRecipe(), &f.set, "model", "method", "weight-bits", "activation-bits", "first-last")
	c.Flags().Lookup("model").DefValue = "" // one must be named
	c.Flags().IntVar(&f.o.Threads, "threads", 1, "threads, 0 for all processors")
	command.Within(c, &f.o.Threads, "threads", 1, infer.MaxThreads, "for all processors")
	addWork(c, &f.o.Work)
	c.Flags().IntVar(&f.o.Batch, "batch", 1, "images a run")
	command.Within(c, &f.o.Batch, "batch", 1, maxBatch, "")
	c.Flags().IntVar(&f.runs, "runs", 0, "runs to measure, 0 for about two seconds of them")
	command.Within(c, &f.runs, "runs", 1, command.Unbounded, "for about two seconds of them")
	addKernel(c, &f.o.Kernel)
	command.OneOf(c, &f.o.Memory, "memory", infer.Fast, "how weights are kept: fast, or small, which takes some time; both give the same integers", infer.Fast, infer.Small)
	command.AddJSON(c)
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
	read, err := f.model(c, args)
	if err != nil {
		return nil, err
	}
	f.o.Threads = threadsOf(f.o.Threads)
	return benchmark.MeasureInference(c.Context(), read, f.o, f.runs)
}

// model returns how to read the model to measure.
func (f *benchFlags) model(c *cobra.Command, args []string) (func() (*infer.Model, error), error) {
	if len(args) == 1 {
		for _, flag := range []string{"model", "method", "weight-bits", "activation-bits", "first-last", "set"} {
			if c.Flags().Changed(flag) {
				return nil, command.Wrong(c, "--%s is for untrained networks, %s has its own", flag, args[0])
			}
		}
		return func() (*infer.Model, error) { return artifact.Open(args[0]) }, nil
	}
	if !c.Flags().Changed("model") && !c.Flags().Changed("set") {
		return nil, command.Wrong(c, "name a .qmodel, or an untrained network with --model")
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
