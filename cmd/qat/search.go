// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/goqat/goqat/internal/atomicfile"
	"github.com/goqat/goqat/internal/command"
	"github.com/goqat/goqat/internal/term"
	"github.com/goqat/goqat/qat"
	"github.com/goqat/goqat/search"
)

// searchFlags are the flags of `qat search`.
type searchFlags struct {
	quantize quantizeFlags
	options  search.Options
	budget   string
	measure  int
	record   string
	out      string
}

func searchCommand() *cobra.Command {
	var f searchFlags
	c := &cobra.Command{
		Use:   "search CHECKPOINT --budget BUDGET",
		Short: "Choose the bits of every layer under a budget",
		Long: `Choose the bits of every layer of a float checkpoint, so that little is lost on
validation images and a budget is kept: bytes=N of the exported file, bitops=N
bit-operations or energy=N microjoules of an image, or bits=N, the mean of all weights
and of all activations. Bytes are those of weights: activations then keep the bits of
the checkpoint's recipe. What a layer loses at each width is ranked by the noise of the
logits (snr), by their loss, or by the trace of the Hessian (hessian).

-o writes the recipe of a training from the checkpoint with these bits, and keeps the
measurements beside it: an interrupted search goes on where it was, also with another
budget. --measurements names another file for them, such as one of qat sensitivity.`,
		Example: `  qat search runs/lenet-pact-w4a4/checkpoint-float.safetensors --budget bits=4 -o mixed.yaml
  qat train mixed.yaml
  qat search float.safetensors --budget bytes=40000 --ranking hessian -o small.yaml`,
		Args: command.Arguments(1, 1, "a checkpoint"),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := f.run(c, args[0])
			if err != nil {
				return err
			}
			return command.Result(c, r, func(p *term.Page) { f.print(p, r) })
		},
	}
	f.quantize.add(c)
	c.Flags().StringVar(&f.budget, "budget", "", "what is not to be exceeded: bytes=N, bitops=N, energy=N or bits=N")
	command.OneOf(c, &f.options.Ranking, "ranking", search.BySNR, "measure of what bits lose: "+strings.Join(search.Rankings(), ", "), search.Rankings()...)
	command.List(c, &f.options.Widths, "bits", []int{2, 3, 4, 5, 6, 7, 8}, "`widths` to choose from, 2 to 8, divided by commas", command.Whole)
	command.OneOf(c, &f.options.Method, "method", "", "quantization method of the training; default: that of the checkpoint's", qat.Names()...)
	addPacking(c, &f.quantize.as.Packing)
	c.Flags().IntVar(&f.options.Probes, "probes", 16, "random vectors for each trace of the ranking hessian")
	command.Within(c, &f.options.Probes, "probes", 2, 10000, "")
	command.Images(c, &f.measure, "measure", 500, "validation images to measure with")
	c.Flags().StringVar(&f.record, "measurements", "", "`file` of measurements to go on with; default: beside the recipe")
	c.Flags().StringVarP(&f.out, "output", "o", "", "recipe `file` to write")
	command.AddJSON(c)
	return c
}

func (f *searchFlags) run(c *cobra.Command, path string) (*search.Result, error) {
	o := &f.options
	if f.budget == "" {
		return nil, command.Wrong(c, "name a budget with --budget: %s=N", strings.Join(search.Budgets(), "=N, "))
	}
	b, err := search.ParseBudget(f.budget)
	if err != nil {
		return nil, command.Wrong(c, "--budget: %w", err)
	}
	if o.Widths = slices.Compact(slices.Sorted(slices.Values(o.Widths))); o.Widths[0] < 2 || o.Widths[len(o.Widths)-1] > 8 {
		return nil, command.Wrong(c, "--bits %s: want widths of 2 to 8", c.Flags().Lookup("bits").Value)
	}
	if o.Ranking != search.ByHessian {
		if err := command.Unread(c, "is for the ranking "+search.ByHessian, "probes"); err != nil {
			return nil, err
		}
	}
	if f.record == "" && f.out != "" {
		f.record = f.out + ".measurements.jsonl"
	}
	if err := command.Outputs(c, []string{path, f.quantize.data.name}, command.Named(f.out, ".yaml", ".yml"), command.Named(f.record, ".jsonl", ".json")); err != nil {
		return nil, err
	}
	screen := command.Screen(c)
	defer screen.Stop()
	settings, err := f.quantize.settings(c, screen)
	if err != nil {
		return nil, err
	}
	o.Checkpoint, o.Settings, o.Measure, o.Record, o.Budget = path, *settings, f.measure, f.record, b
	r, err := search.Run(c.Context(), *o)
	if err != nil || f.out == "" {
		return r, err
	}
	return r, atomicfile.Write(f.out, func(w *os.File) error { _, err := w.Write(r.Recipe.YAML()); return err })
}
