// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/goqat/goqat/internal/command"
	"github.com/goqat/goqat/internal/term"
	"github.com/goqat/goqat/internal/version"
	"github.com/goqat/goqat/pipeline"
	"github.com/goqat/goqat/recipe"
)

func trainCommand() *cobra.Command {
	var set []string
	var resume string
	var skipBroken, accept bool
	c := &cobra.Command{
		Use:   "train [RECIPE.yaml]",
		Short: "Train, quantize, export and verify a network",
		Long: `Train a network in float, then with quantization in the graph, export it to
integers and verify that the integer runtime computes what the training graph
does. What a recipe does not say is as in the quick start, which runs without
one; flags change the recipe, --set any value of it.

Everything is written to a run folder: config.yaml repeats the run, summary.json
has the outcome, model.qmodel is the integer model. Ctrl-C finishes the step and
saves; --resume goes on to the same result. It stops where the data, config.yaml
or the kernels are others than before, unless --accept-changes says to go on.`,
		Example: `  qat train
  qat train --model resnet20 --data cifar10 --method int --weight-bits 8 --activation-bits 8
  qat train recipe.yaml --seed 2 --set qat.lr=0.02 --out runs/mine
  qat train --resume runs/mine`,
		Args: command.Arguments(0, 1, "one recipe at most"),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := trainRecipe(c, args, resume, set)
			if err != nil {
				return err
			}
			screen := command.Screen(c)
			s, err := pipeline.Train(c.Context(), r, pipeline.Options{
				Resume: resume != "", AcceptChanges: accept, SkipBroken: skipBroken, On: screen.Show,
				Finished: func(e *pipeline.Evidence) {
					screen.Stop()
					writeReport(c, r.Out, e)
				},
			})
			screen.Stop()
			if err != nil {
				return err
			}
			if s.Verify != nil {
				warn(c, *s.Verify)
			}
			return command.Result(c, s, func(p *term.Page) { printSummary(p, s) })
		},
	}
	base := recipe.Default()
	addRecipeFlags(c, base, &set)
	model := c.Flags().Lookup("model")
	model.Usage += fmt.Sprintf("; of width 1, without the flag %s of width %v", base.Model.Name, base.Model.Width)
	model.DefValue = ""
	command.AddJSON(c)
	addSkipBroken(c, &skipBroken)
	c.Flags().StringVar(&resume, "resume", "", "go on with the interrupted run in a `folder`")
	c.Flags().BoolVar(&accept, "accept-changes", false, "with --resume: go on although the data, the recipe or the kernels have changed")
	return c
}

// trainRecipe returns the recipe of the command line: defaults, then the file,
// then flags; or that of the run to resume.
func trainRecipe(c *cobra.Command, args []string, resume string, set []string) (*recipe.Recipe, error) {
	if resume != "" {
		if len(args) > 0 {
			return nil, command.Wrong(c, "--resume goes on with the recipe of the run, leave %s out", args[0])
		}
		var other error
		c.Flags().Visit(func(f *pflag.Flag) {
			if f.Name != "resume" && f.Name != "json" && f.Name != "threads" && f.Name != "skip-broken" && f.Name != "accept-changes" {
				other = command.Wrong(c, "--resume goes on with the recipe of the run, leave --%s out", f.Name)
			}
		})
		if other != nil {
			return nil, other
		}
		r, err := pipeline.LoadRun(resume)
		if err != nil {
			return nil, err
		}
		return r, applyRecipeFlags(c, r, nil)
	}
	if c.Flags().Changed("accept-changes") {
		return nil, command.Wrong(c, "--accept-changes goes with --resume")
	}
	r := recipe.Default()
	if len(args) > 0 {
		if info, err := os.Stat(args[0]); err == nil && info.IsDir() {
			return nil, command.Wrong(c, "%s is a folder, not a recipe; name images with --data %s", args[0], args[0])
		}
		var err error
		if r, err = recipe.Load(args[0]); err != nil {
			return nil, command.Wrong(c, "%w", err)
		}
	}
	if err := applyRecipeFlags(c, r, set); err != nil {
		return nil, err
	}
	r.Version = version.Read().Version
	return r, nil
}
