// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/goqat/goqat/calibrate"
	"github.com/goqat/goqat/internal/command"
	"github.com/goqat/goqat/internal/term"
	"github.com/goqat/goqat/ptq"
	"github.com/goqat/goqat/quantize"
)

// calibrateFlags are the flags of `qat calibrate`.
type calibrateFlags struct {
	quantize quantizeFlags
	repair   []string
	out      string
	keep     string
}

func calibrateCommand() *cobra.Command {
	var f calibrateFlags
	c := &cobra.Command{
		Use:   "calibrate CHECKPOINT -o MODEL.qmodel",
		Short: "Quantize a float checkpoint without training",
		Long: `Quantize a float checkpoint without training it: find the ranges of weights and
activations from some training images, mend what that costs if --repair asks for
it, export to integers, and verify every integer. The images need no labels.

Calibrators: ` + strings.Join(calibrators(), ", ") + `.
Repairs: equalize (channels of neighbouring layers, before the calibration), clips (the
ranges of tensors, by the logits), adaround (the scales and the rounding of weights),
batchnorm (statistics of the quantized network), bias (means of sums). One that lowers
the signal to noise of the logits is taken back.`,
		Example: `  qat calibrate runs/lenet-pact-w4a4/checkpoint-float.safetensors -o lenet.qmodel
  qat calibrate float.safetensors --weight-bits 4 --activation-bits 4 --repair all -o small.qmodel`,
		Args: command.Arguments(1, 1, "a checkpoint"),
		RunE: func(c *cobra.Command, args []string) error {
			if f.out == "" {
				return command.Wrong(c, "name the file to write with -o")
			}
			if err := command.Outputs(c, []string{args[0], f.quantize.data.name}, command.Named(f.out, ".qmodel"), command.Named(f.keep, ".safetensors")); err != nil {
				return err
			}
			if err := quantize.CheckRepairs(f.repair); err != nil {
				return command.Wrong(c, "%w", err)
			}
			screen := command.Screen(c)
			defer screen.Stop()
			s, err := f.quantize.settings(c, screen)
			if err != nil {
				return err
			}
			o, err := quantize.Checkpoint(c.Context(), args[0], s, f.repair, f.out, f.keep)
			screen.Stop()
			if err != nil {
				return err
			}
			return command.Result(c, o, func(p *term.Page) { printQuantized(p, o, f.out) })
		},
	}
	f.quantize.add(c)
	f.quantize.addUniform(c)
	command.List(c, &f.repair, "repair", nil, "`repairs`, divided by commas: "+strings.Join(ptq.Repairs(), ", ")+", or "+quantize.All, command.Word)
	c.Flags().StringVarP(&f.out, "output", "o", "", "`file` to write")
	c.Flags().StringVar(&f.keep, "checkpoint", "", "`file` for the quantized network as a checkpoint, for verify, eval and train --init")
	command.AddJSON(c)
	return c
}

// calibrators returns the names of the calibrators.
func calibrators() (names []string) {
	for _, r := range calibrate.Rules() {
		names = append(names, r.Name)
	}
	return names
}

// printQuantized writes the outcome for people.
func printQuantized(p *term.Page, o *quantize.Outcome, out string) {
	var rows [][]string
	row := func(name string, accuracy *float64) {
		rows = append(rows, []string{name, accuracyOn(accuracy, o.Verify.Images)})
	}
	row("float", o.Accuracy.Float)
	row("fake-quantized", o.Accuracy.Fakequant)
	row("integer", o.Accuracy.Integer)
	p.Table([]string{"network", "accuracy"}, rows)
	rows = nil
	for _, s := range o.Repairs {
		kept := "kept"
		if !s.Kept {
			kept = "taken back"
		}
		rows = append(rows, []string{s.Name, fmt.Sprintf("%.2f dB", s.SNRdB), fmt.Sprintf("%+.2f dB", s.Gain), kept})
	}
	p.Printf("\n")
	p.Table([]string{"after", "signal to noise of the logits", "gained", ""}, rows)
	for _, t := range o.Tensors {
		if t.Warning != "" {
			p.Printf("warning: %s: %s\n", t.Name, t.Warning)
		}
	}
	p.Printf("\n")
	printVerification(p, *o.Verify)
	p.Printf("\n%s, %s, %.1f s\n", out, term.Bytes(o.Bytes), o.Seconds)
}
