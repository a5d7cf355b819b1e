// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/goqat/goqat/internal/command"
	"github.com/goqat/goqat/internal/term"
	"github.com/goqat/goqat/pipeline"
	"github.com/goqat/goqat/recipe"
)

func trainCommand() *cobra.Command {
	var set []string
	var resume string
	var skipBroken, accept, findRate bool
	var duration time.Duration
	c := &cobra.Command{
		Use:   "train [RECIPE.yaml]",
		Short: "Train, quantize, export and verify a network",
		Long: `Train a network in float, then with quantization in the graph, export it to
integers and verify that the integer runtime computes what the training graph
does. What a recipe does not say is as in the quick start, which runs without
one; flags change the recipe, --set any value of it. For images and signals of your
own (--data FOLDER), what neither a recipe nor a flag says is chosen by the set: the
size of images, the network, the bits, the epochs, the batch, the balance of classes;
for all images, how two bits and less are learned. What was chosen is told with its
reason, and config.yaml has it.

Everything is written to a run folder: config.yaml repeats the run, summary.json
has the outcome, model.qmodel is the integer model. Ctrl-C finishes the step and
saves; --resume goes on to the same result. It stops where the data, config.yaml
or the kernels are others than before, unless --accept-changes says to go on. With
--epochs it trains the quantized phase longer, also of a finished run: the epochs done
stay, the rest is as in a run of so many, its learning rate included.`,
		Example: `  qat train
  qat train --model resnet20 --data cifar10 --method int --weight-bits 8 --activation-bits 8
  qat train --data photos --time 10m
  qat train recipe.yaml --seed 2 --set qat.lr=0.02 --out runs/mine
  qat train --resume runs/mine
  qat train --resume runs/mine --epochs 12`,
		Args: command.Arguments(0, 1, "one recipe at most"),
		RunE: together(func(c *cobra.Command, args []string, j job) error {
			r, given, err := trainRecipe(c, args, resume, set, j)
			if err != nil {
				return err
			}
			r.Data.SkipBroken = r.Data.SkipBroken || skipBroken
			if err := planned(c, resume, duration); err != nil {
				return err
			}
			if findRate && j.Size() > 1 {
				return command.Wrong(c, "--lr-find is for one process")
			}
			screen := command.Screen(c)
			o := pipeline.Options{Resume: resume != "", AcceptChanges: accept, Group: j, Threads: j.threads, On: screen.Show, Finished: func(e *pipeline.Evidence) {
				screen.Stop()
				writeReport(c, r.Out, e, screen)
			}}
			if o.Time = duration; o.Resume {
				o.Epochs, _ = c.Flags().GetInt("epochs")
			} else {
				o.Choice = choice(c, given, set)
			}
			if findRate {
				return printRates(c, r, o, screen)
			}
			s, err := pipeline.Train(c.Context(), r, o)
			screen.Stop()
			if err != nil || s == nil { // rank 0 of a job has the outcome
				return err
			}
			if s.Verify != nil {
				warn(c, *s.Verify)
			}
			return command.Result(c, s, func(p *term.Page) { printSummary(p, s, r.Data.SkipBroken) })
		}),
	}
	base := recipe.Default()
	addRecipeFlags(c, base, &set)
	model := c.Flags().Lookup("model")
	model.Usage += fmt.Sprintf("; of width 1, without the flag %s of width %v", base.Model.Name, base.Model.Width)
	model.DefValue = ""
	command.AddJSON(c)
	addSkipBroken(c, &skipBroken)
	c.Flags().BoolVar(&findRate, "lr-find", false, "train nothing: raise the learning rate step by step, print the loss at each and suggest one; one process")
	c.Flags().DurationVar(&duration, "time", 0, "set the epochs so that the run takes about a `duration`, as in 10m; measured by its first steps, one process")
	c.Flags().StringVar(&resume, "resume", "", "go on with the interrupted run in a `folder`")
	c.Flags().BoolVar(&accept, "accept-changes", false, "with --resume: go on although the data, the recipe or the kernels have changed")
	return c
}
