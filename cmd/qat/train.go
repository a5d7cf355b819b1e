// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/goqat/goqat/internal/term"
	"github.com/goqat/goqat/pipeline"
	"github.com/goqat/goqat/recipe"
)

func trainCommand() *cobra.Command {
	var set []string
	var resume string
	var asJSON bool
	c := &cobra.Command{
		Use:   "train [RECIPE.yaml]",
		Short: "Train, quantize, export and verify a network",
		Long: `Train a network in float, then with quantization in the graph, export it to
integers and verify that the integer runtime computes what the training graph
does. What a recipe does not say is as in the quick start, which runs without
one; flags change the recipe, --set any value of it.

Everything is written to a run folder: config.yaml repeats the run, summary.json
has the outcome, model.qmodel is the integer model. Ctrl-C finishes the step and
saves; --resume goes on to the same result.`,
		Example: `  qat train
  qat train --model resnet20 --data cifar10 --method int --weight-bits 8 --activation-bits 8
  qat train recipe.yaml --seed 2 --set qat.lr=0.02 --out runs/mine
  qat train --resume runs/mine`,
		Args: arguments(0, 1, "one recipe at most"),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := trainRecipe(c, args, resume, set)
			if err != nil {
				return err
			}
			w := c.ErrOrStderr()
			s, err := pipeline.Train(c.Context(), r, pipeline.Options{Resume: resume != "", Log: w, Terminal: term.IsTerminal(w)})
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(c.OutOrStdout(), s)
			}
			return printSummary(c.OutOrStdout(), s)
		},
	}
	addRecipeFlags(c, recipe.Default(), &set)
	addJSON(c, &asJSON)
	c.Flags().StringVar(&resume, "resume", "", "go on with the interrupted run in a `folder`")
	return c
}

// trainRecipe returns the recipe of the command line: defaults, then the file,
// then flags; or that of the run to resume.
func trainRecipe(c *cobra.Command, args []string, resume string, set []string) (*recipe.Recipe, error) {
	if resume != "" {
		if len(args) > 0 {
			return nil, usagef(c, "--resume goes on with the recipe of the run, leave %s out", args[0])
		}
		var other error
		c.Flags().Visit(func(f *pflag.Flag) {
			if f.Name != "resume" && f.Name != "json" && f.Name != "threads" {
				other = usagef(c, "--resume goes on with the recipe of the run, leave --%s out", f.Name)
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
	r := recipe.Default()
	if len(args) > 0 {
		var err error
		if r, err = recipe.Load(args[0]); err != nil {
			return nil, &usageError{c.CommandPath(), err}
		}
	}
	if err := applyRecipeFlags(c, r, set); err != nil {
		return nil, err
	}
	r.Version = version().Version
	return r, nil
}

// printSummary writes the outcome of a training for people.
func printSummary(w io.Writer, s *pipeline.Summary) error {
	rate := func(imagesPerSecond float64) string {
		if imagesPerSecond == 0 {
			return "-"
		}
		return fmt.Sprintf("%.0f", imagesPerSecond)
	}
	size := "-"
	if s.SizeBytes.Integer > 0 {
		size = byteSize(s.SizeBytes.Integer)
	}
	err := printf(w, "%s, %s, %d-bit weights, %d-bit activations, %s, %d test images\n\n", s.Model, s.Method, s.WeightBits, s.ActivationBits, s.Data, s.TestImages)
	if err != nil {
		return err
	}
	err = term.Table(w, []string{"network", "accuracy", "size", "images/s"}, [][]string{
		{"float", percent(s.Accuracy.Float), byteSize(int64(s.SizeBytes.Float)), rate(s.TrainImagesPerSecond.Float) + " trained"},
		{"fake-quantized", percent(s.Accuracy.Fakequant), "-", rate(s.TrainImagesPerSecond.QAT) + " trained"},
		{"integer", percent(s.Accuracy.Integer), size, rate(s.RunImagesPerSecond) + " run"},
	})
	if err != nil {
		return err
	}
	if s.Verify != nil {
		if err := printf(w, "\n%s", verified(*s.Verify)); err != nil {
			return err
		}
	}
	return printf(w, "\n%.0f s, run folder %s\n", s.Seconds.Total, s.Folder)
}
