// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/goqat/goqat/diagnose"
	"github.com/goqat/goqat/internal/command"
	"github.com/goqat/goqat/internal/term"
	"github.com/goqat/goqat/pipeline"
)

// diagnoseFlags are the flags of `qat diagnose`.
type diagnoseFlags struct {
	quantize      quantizeFlags
	bits, measure int
}

func diagnoseCommand() *cobra.Command {
	var f diagnoseFlags
	c := &cobra.Command{
		Use:   "diagnose CHECKPOINT",
		Short: "Find out what is wrong with a network",
		Long: `Look for what is wrong with a checkpoint, in the order that pays: the float network,
weights quantized alone, activations alone, layer by layer; then the causes met most: blank
images, unbalanced classes, another input scale, weights beyond all others, statistics
of batch normalization that were not frozen, dead and constant channels, ranges that clip
too much or reach too far, scales next to 0, sums near overflow, one class predicted for
nearly everything. A float checkpoint is quantized without training first. Validation
images are used; the last line is the one thing to do next, a command.`,
		Example: `  qat diagnose runs/lenet-pact-w4a4/checkpoint-best.safetensors
  qat diagnose runs/lenet-pact-w4a4/checkpoint-float.safetensors --bits 4 --json`,
		Args: command.Arguments(1, 1, "a checkpoint"),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := f.run(c, args[0])
			if err != nil {
				return err
			}
			return command.Result(c, r, func(p *term.Page) { printDiagnosis(p, r) })
		},
	}
	f.quantize.add(c)
	c.Flags().IntVar(&f.bits, "bits", 8, "bits that a float checkpoint is quantized to, 2 to 8")
	command.Within(c, &f.bits, "bits", 2, 8, "")
	command.Images(c, &f.measure, "measure", 500, "validation images to measure with")
	command.AddJSON(c)
	return c
}

func (f *diagnoseFlags) run(c *cobra.Command, path string) (*diagnose.Report, error) {
	if quantized, err := pipeline.IsQuantized(path); err != nil {
		return nil, err
	} else if quantized {
		why := "says how a float checkpoint is quantized, " + path + " is quantized"
		if err := command.Unread(c, why, "bits", "calibrator", "layer", "percentile", "deviations", "online", "granularity"); err != nil {
			return nil, err
		}
	}
	screen := command.Screen(c)
	defer screen.Stop()
	f.quantize.as.WeightBits, f.quantize.as.ActivationBits = f.bits, f.bits
	s, err := f.quantize.settings(c, screen)
	if err != nil {
		return nil, err
	}
	return diagnose.Run(c.Context(), diagnose.Options{Checkpoint: path, Settings: *s, Measure: f.measure})
}

// printDiagnosis writes a report for people.
func printDiagnosis(p *term.Page, r *diagnose.Report) {
	if r.Images > 0 {
		printAccuracies(p, r)
	}
	p.Printf("\n")
	if len(r.Findings) == 0 {
		p.Printf("nothing found\n")
	}
	for i, f := range r.Findings {
		p.Printf("%d. %s: %s\n", i+1, f.Cause, f.Says)
	}
	p.Printf("next: %s\n", r.Next)
}

// printAccuracies writes what quantization costs, as a whole and in the worst layers.
func printAccuracies(p *term.Page, r *diagnose.Report) {
	a := r.Accuracy
	var rows [][]string
	for _, m := range []struct {
		name     string
		accuracy float64
	}{{"none", a.Float}, {"weights", a.Weights}, {"activations", a.Activations}, {"both", a.Quantized}} {
		rows = append(rows, []string{m.name, accuracyOn(&m.accuracy, r.Images)})
	}
	p.Table([]string{"quantized", "accuracy"}, rows)
	p.Printf("\n")
	rows = nil
	const worst = 5
	for _, l := range r.Layers[:min(worst, len(r.Layers))] {
		rows = append(rows, []string{l.Layer, l.What, fmt.Sprint(l.Bits), accuracyOn(&l.Accuracy, l.Images), fmt.Sprintf("%.1f dB", l.SNRdB)})
	}
	p.Table([]string{"quantized alone", "what", "bits", "accuracy", "signal"}, rows)
}
