// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/spf13/cobra"

	"github.com/goqat/goqat/benchmark"
	"github.com/goqat/goqat/internal/command"
	"github.com/goqat/goqat/internal/term"
)

func benchTrainCommand() *cobra.Command {
	var set []string
	var steps int
	var loader, roofline bool
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
		Args: command.Arguments(0, 0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			if roofline && loader {
				return command.Wrong(c, "--roofline measures no loader: leave out --loader")
			}
			r := benchRecipe()
			if err := applyRecipeFlags(c, r, set); err != nil {
				return err
			}
			screen := command.Screen(c)
			defer screen.Stop()
			if roofline {
				l, err := benchmark.MeasureRoofline(c.Context(), r, threadsOf(r.Threads), steps, screen.Show)
				screen.Stop()
				if err != nil {
					return err
				}
				return command.Result(c, l, func(p *term.Page) { printRoofline(p, l) })
			}
			b, err := benchmark.MeasureTraining(c.Context(), r, benchmark.TrainingOptions{Threads: threadsOf(r.Threads), Steps: steps, Loader: loader, On: screen.Show})
			screen.Stop()
			if err != nil {
				return err
			}
			return command.Result(c, b, func(p *term.Page) { printTraining(p, b) })
		},
	}
	addRecipeFlags(c, benchRecipe(), &set, "model", "method", "weight-bits", "activation-bits", "first-last", "batch", "seed", "threads")
	c.Flags().IntVar(&steps, "steps", 30, "steps of each kind to measure")
	command.Within(c, &steps, "steps", 1, command.Unbounded, "")
	c.Flags().BoolVar(&loader, "loader", false, "measure steps with batches of a loader, too")
	c.Flags().BoolVar(&roofline, "roofline", false, "show each op of a step beside the time the machine allows")
	command.AddJSON(c)
	return c
}
