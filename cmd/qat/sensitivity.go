// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/goqat/goqat/internal/command"
	"github.com/goqat/goqat/internal/term"
	"github.com/goqat/goqat/ptq"
	"github.com/goqat/goqat/quantize"
	"github.com/goqat/goqat/report"
)

// sensitivityFlags are the flags of `qat sensitivity`.
type sensitivityFlags struct {
	quantize quantizeFlags
	bits     []int
	measure  int
	out      string
	chart    string
}

func sensitivityCommand() *cobra.Command {
	var f sensitivityFlags
	c := &cobra.Command{
		Use:   "sensitivity CHECKPOINT",
		Short: "Measure what quantizing each layer alone costs",
		Long: `Quantize one layer of a float checkpoint at a time, its weights, its input and both,
at several widths, and measure what the network loses on validation images: accuracy,
loss, and the signal-to-noise ratio of the logits. Layers with little signal are those
to give more bits.

With -o each measurement is written as it is made, and those that the file already has
are not made again: an interrupted run goes on where it was.`,
		Example: `  qat sensitivity runs/lenet-pact-w4a4/checkpoint-float.safetensors
  qat sensitivity float.safetensors --bits 8,4,2 -o sensitivity.jsonl --chart sensitivity.svg`,
		Args: command.Arguments(1, 1, "a checkpoint"),
		RunE: func(c *cobra.Command, args []string) error {
			if err := command.Outputs(c, []string{args[0], f.quantize.data.name}, command.Named(f.out, ".jsonl", ".json"), command.Named(f.chart, ".svg")); err != nil {
				return err
			}
			list, err := f.run(c, args[0])
			if err == nil {
				err = writeOutput(f.chart, func(w io.Writer) error { return report.Sensitivity(w, list) })
			}
			if err != nil {
				return err
			}
			return command.Result(c, list, func(p *term.Page) { printSensitivity(p, list) })
		},
	}
	f.quantize.add(c)
	command.List(c, &f.bits, "bits", []int{8, 4, 2}, "`widths` to measure, 2 to 8, divided by commas", command.Whole)
	command.Images(c, &f.measure, "measure", 500, "validation images to measure with")
	c.Flags().StringVarP(&f.out, "output", "o", "", "`file` of measurements to go on with")
	addChart(c, &f.chart, "the signal of every layer")
	command.AddJSON(c)
	return c
}

func (f *sensitivityFlags) run(c *cobra.Command, path string) ([]ptq.Sensitivity, error) {
	for k, b := range f.bits {
		if b < 2 || b > 8 || slices.Contains(f.bits[:k], b) {
			return nil, command.Wrong(c, "--bits %d: want widths of 2 to 8, each once", b)
		}
	}
	screen := command.Screen(c)
	defer screen.Stop()
	s, err := f.quantize.settings(c, screen)
	if err != nil {
		return nil, err
	}
	return quantize.Sensitivity(c.Context(), path, *s, f.bits, f.measure, f.out)
}

// printSensitivity writes measurements for people, the layer that hurts most first.
func printSensitivity(p *term.Page, list []ptq.Sensitivity) {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b ptq.Sensitivity) int { return cmp.Compare(a.SNRdB, b.SNRdB) })
	var rows [][]string
	for _, s := range list {
		rows = append(rows, []string{
			s.Layer, s.What, fmt.Sprint(s.Bits), accuracyOn(&s.Accuracy, s.Images), fmt.Sprintf("%.4f", s.Loss),
			fmt.Sprintf("%.1f dB", s.SNRdB), strings.Repeat("▇", int(max(0, min(s.SNRdB, 60))/3)),
		})
	}
	p.Table([]string{"layer", "what", "bits", "accuracy", "loss", "signal", ""}, rows)
}
