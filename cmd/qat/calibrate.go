// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/goqat/goqat/calibrate"
	"github.com/goqat/goqat/export"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/infer"
	"github.com/goqat/goqat/internal/term"
	"github.com/goqat/goqat/pipeline"
	"github.com/goqat/goqat/ptq"
	"github.com/goqat/goqat/train"
)

// calibration is the outcome of `qat calibrate`.
type calibration struct {
	Accuracy accuracies           `json:"accuracy"`
	Verify   *export.Verification `json:"verify"`
	Repairs  []ptq.Step           `json:"repairs"` // the calibration first
	Tensors  []calibrated         `json:"tensors"`
	Bytes    int64                `json:"file_bytes"`
	Seconds  float64              `json:"seconds"` // of calibration and repairs
}

// calibrated is a tensor with its range.
type calibrated struct {
	Name       string  `json:"name"`
	Calibrator string  `json:"calibrator"`
	Bits       int     `json:"bits"`
	Lo         float64 `json:"lo"`
	Hi         float64 `json:"hi"`
	Warning    string  `json:"warning,omitempty"`
}

// calibrateFlags are the flags of `qat calibrate`.
type calibrateFlags struct {
	quantize quantizeFlags
	repair   []string
	out      string
	keep     string
	json     bool
}

func calibrateCommand() *cobra.Command {
	var f calibrateFlags
	c := &cobra.Command{
		Use:   "calibrate CHECKPOINT -o MODEL.qmodel",
		Short: "Quantize a float checkpoint without training",
		Long: `Quantize a float checkpoint without training it: find the ranges of weights and
activations from some training images, mend what that costs if --repair asks for
it, export to integers, and verify every integer. The images need no labels.

Calibrators: ` + calibrators() + `.
Repairs: equalize (channels of neighbouring layers, before the calibration), adaround
(the rounding of weights), batchnorm (statistics of the quantized network), bias (means
of sums). One that lowers the signal to noise of the logits is taken back.`,
		Example: `  qat calibrate runs/lenet-pact-w4a4/checkpoint-float.safetensors -o lenet.qmodel
  qat calibrate float.safetensors --weight-bits 4 --activation-bits 4 --repair all -o small.qmodel`,
		Args: arguments(1, 1, "a checkpoint"),
		RunE: func(c *cobra.Command, args []string) error {
			if f.out == "" {
				return usagef(c, "name the file to write with -o")
			}
			if err := checkOutputs(c, args[0], f.out, f.keep); err != nil {
				return err
			}
			if err := namesModel(c, f.out); err != nil {
				return err
			}
			o, err := f.run(c, args[0])
			if err != nil {
				return err
			}
			if f.json {
				return printJSON(c.OutOrStdout(), o)
			}
			return o.print(c.OutOrStdout(), f.out)
		},
	}
	f.quantize.add(c)
	c.Flags().StringSliceVar(&f.repair, "repair", nil, "repairs, divided by commas: "+strings.Join(ptq.Repairs(), ", ")+", or all")
	c.Flags().StringVarP(&f.out, "output", "o", "", "`file` to write")
	c.Flags().StringVar(&f.keep, "checkpoint", "", "`file` for the quantized network as a checkpoint, for verify, eval and train --init")
	addJSON(c, &f.json)
	return c
}

// calibrators lists the calibrators for help.
func calibrators() string {
	var names []string
	for _, r := range calibrate.Rules() {
		names = append(names, r.Name)
	}
	return strings.Join(names, ", ")
}

func (f *calibrateFlags) run(c *cobra.Command, path string) (*calibration, error) {
	if len(f.repair) == 1 && f.repair[0] == "all" {
		f.repair = ptq.Repairs()
	}
	q, err := f.quantize.open(c, path)
	if err != nil {
		return nil, err
	}
	defer q.close()
	o := &calibration{}
	if o.Accuracy.Float, err = q.accuracy(c, graph.Pass{}); err != nil {
		return nil, err
	}
	start := time.Now()
	if o.Repairs, o.Tensors, err = q.quantize(c, f.repair); err != nil {
		return nil, err
	}
	o.Seconds = time.Since(start).Seconds()
	if o.Accuracy.Fakequant, err = q.accuracy(c, graph.Pass{Quantize: true}); err != nil {
		return nil, err
	}
	return o, o.deliver(c, q, f.out, f.keep)
}

// deliver writes the model and proves it.
func (o *calibration) deliver(c *cobra.Command, q *quantized, out, keep string) error {
	n := q.restored.Network
	if err := train.WriteFile(out, func(w *os.File) error { return export.Write(w, n, q.restored.About()) }); err != nil {
		return err
	}
	if keep != "" {
		if err := q.restored.Capture().Write(keep); err != nil {
			return err
		}
	}
	m, err := infer.Open(out)
	if err != nil {
		return err
	}
	stat, err := os.Stat(out)
	if err != nil {
		return err
	}
	o.Bytes = stat.Size()
	bar := newBar(c, "verify", int64(q.images.Test.Len()))
	p, err := pipeline.Prove(c.Context(), n, m, q.images.Test, q.images.Test, q.pool.Threads(), func(done int) { _ = bar.Set(done) })
	_ = bar.Clear()
	if p != nil {
		o.Accuracy.Integer, o.Verify = &p.Result.Accuracy, &p.Verification
		o.Accuracy.StandardError = train.StandardError(p.Result.Accuracy, p.Result.Images)
		o.Accuracy.Balanced = train.Balanced(p.Result.PerClass(n.Classes))
	}
	return err
}

// print writes the outcome for people.
func (o *calibration) print(w io.Writer, out string) error {
	images := o.Verify.Images
	var rows [][]string
	for _, m := range []struct {
		name     string
		accuracy *float64
	}{{"float", o.Accuracy.Float}, {"fake-quantized", o.Accuracy.Fakequant}, {"integer", o.Accuracy.Integer}} {
		rows = append(rows, []string{m.name, accuracyOn(m.accuracy, images)})
	}
	if err := term.Table(w, []string{"network", "accuracy"}, rows); err != nil {
		return err
	}
	rows = nil
	for _, s := range o.Repairs {
		kept := "kept"
		if !s.Kept {
			kept = "taken back"
		}
		rows = append(rows, []string{s.Name, fmt.Sprintf("%.2f dB", s.SNRdB), fmt.Sprintf("%+.2f dB", s.Gain), kept})
	}
	if err := printf(w, "\n"); err != nil {
		return err
	}
	if err := term.Table(w, []string{"after", "signal to noise of the logits", "gained", ""}, rows); err != nil {
		return err
	}
	for _, t := range o.Tensors {
		if t.Warning != "" {
			if err := printf(w, "warning: %s: %s\n", t.Name, t.Warning); err != nil {
				return err
			}
		}
	}
	return printf(w, "\n%s\n%s, %s, %.1f s\n", verified(*o.Verify), out, byteSize(o.Bytes), o.Seconds)
}

// bars shows the stages of some work, each by a bar of its own.
type bars struct {
	c     *cobra.Command
	stage string
	bar   *progressbar.ProgressBar
}

// tell shows how much of a stage is done.
func (b *bars) tell(stage string, done, all int) {
	if b.stage != stage {
		b.clear()
		b.stage, b.bar = stage, newBar(b.c, stage, int64(all))
	}
	_ = b.bar.Set(done)
}

func (b *bars) clear() {
	if b.bar != nil {
		_ = b.bar.Clear()
	}
}
