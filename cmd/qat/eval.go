// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/infer"
	"github.com/goqat/goqat/internal/kernel"
	"github.com/goqat/goqat/internal/term"
	"github.com/goqat/goqat/pipeline"
	"github.com/goqat/goqat/train"
)

// The modes of an evaluation: how the logits are computed.
const (
	modeFloat     = "float"
	modeFakequant = "fakequant"
	modeInteger   = "integer"
)

// evaluation is the outcome of `qat eval`.
type evaluation struct {
	Images   int                  `json:"images"`
	Accuracy accuracies           `json:"accuracy"`
	PerClass []train.ClassOutcome `json:"per_class"` // in the mode
	// Confusion has rows of true classes and columns of those found, nil for more
	// than 100.
	Confusion [][]int `json:"confusion"`
	Mode      string  `json:"mode"` // the last of float, fakequant, integer that the file has
}

// accuracies are nil in the modes that the file does not have.
type accuracies struct {
	Float     *float64 `json:"float"`
	Fakequant *float64 `json:"fakequant"`
	Integer   *float64 `json:"integer"`
	// StandardError and Balanced, the mean recall of the classes, are of the mode.
	StandardError float64 `json:"standard_error"`
	Balanced      float64 `json:"balanced"`
}

// evalFlags are the flags of `qat eval`.
type evalFlags struct {
	data        dataFlags
	threads     int
	work        int64
	predictions string
	json        bool
}

func evalCommand() *cobra.Command {
	var f evalFlags
	c := &cobra.Command{
		Use:   "eval FILE",
		Short: "Measure the accuracy of a checkpoint or a .qmodel",
		Long: `Measure the accuracy on the test images of a data set, overall and per class: of
a checkpoint with its quantizers off (float) and on (fake-quantized), of a .qmodel on
integers. Classes are matched by name. A checkpoint of the quantized phase has weights
of its own: with quantizers off it is another network than the float one of its run,
whose accuracy the summary has. Of a folder without a test part all images are
used, but those held out in training where it is the folder of the training.`,
		Example: `  qat eval runs/lenet-pact-w4a4/model.qmodel --data fashion-sample
  qat eval runs/lenet-pact-w4a4/checkpoint-best.safetensors --predictions predictions.csv`,
		Args: arguments(1, 1, "a checkpoint or a .qmodel"),
		RunE: func(c *cobra.Command, args []string) error {
			model, err := isModel(args[0])
			if err != nil {
				return err
			}
			run := f.checkpoint
			if model {
				run = f.model
			}
			e, err := run(c, args[0])
			if err != nil {
				return err
			}
			if f.predictions != "" {
				if err := e.writePredictions(f.predictions); err != nil {
					return err
				}
			}
			if f.json {
				return printJSON(c.OutOrStdout(), e.outcome())
			}
			return e.outcome().print(c.OutOrStdout())
		},
	}
	addDataFlags(c, &f.data, "; default for a checkpoint: that of its training")
	addThreads(c, &f.threads)
	addWork(c, &f.work)
	c.Flags().StringVar(&f.predictions, "predictions", "", "write file or number, class and predicted class of every image to a CSV `file`")
	addJSON(c, &f.json)
	return c
}

// evaluated is an evaluation with everything it was made from.
type evaluated struct {
	classes  []string
	split    datasets.Split
	accuracy accuracies
	mode     string
	result   train.Result // in the mode
}

// checkpoint evaluates a checkpoint: in float, and fake-quantized if it is of the
// quantized phase.
func (f *evalFlags) checkpoint(c *cobra.Command, path string) (*evaluated, error) {
	pool := kernel.NewPool(threadsOf(f.threads))
	defer pool.Close()
	r, err := pipeline.Open(path, evaluationBatch, pool)
	if err != nil {
		return nil, err
	}
	n := r.Network
	e := &evaluated{classes: n.Classes, mode: modeFloat}
	if e.split, err = f.data.open(c, r.Recipe, target{n.Input.Height, n.Input.Width, n.Input.Channels, n.Classes, r.About().Data}); err != nil {
		return nil, err
	}
	evaluate := func(p graph.Pass) func(func(int)) (train.Result, error) {
		return func(progress func(int)) (train.Result, error) {
			return train.Evaluate(c.Context(), n, p, e.split, progress)
		}
	}
	if e.accuracy.Float, err = e.measure(c, evaluate(graph.Pass{})); err != nil || !r.Quantized {
		return e, err
	}
	e.mode = modeFakequant
	e.accuracy.Fakequant, err = e.measure(c, evaluate(graph.Pass{Quantize: true}))
	return e, err
}

// model evaluates a .qmodel on integers.
func (f *evalFlags) model(c *cobra.Command, path string) (*evaluated, error) {
	if f.data.name == "" {
		return nil, usagef(c, "a .qmodel does not say which images it is for: name them with --data")
	}
	m, err := openModel(path)
	if err != nil {
		return nil, err
	}
	in := m.Input()
	e := &evaluated{classes: m.Classes(), mode: modeInteger}
	if e.split, err = f.data.open(c, nil, target{in.Height, in.Width, in.Channels, e.classes, m.Data()}); err != nil {
		return nil, err
	}
	runner, err := m.NewRunner(infer.Options{Batch: evaluationBatch, Threads: threadsOf(f.threads), Work: f.work})
	if err != nil {
		return nil, err
	}
	defer runner.Close()
	e.accuracy.Integer, err = e.measure(c, func(progress func(int)) (train.Result, error) {
		return atOnce(c.Context(), func() (train.Result, error) {
			return train.EvaluateIntegers(c.Context(), runner.Run, evaluationBatch, len(e.classes), e.split, progress)
		})
	})
	return e, err
}

// measure evaluates in one mode with a progress bar.
func (e *evaluated) measure(c *cobra.Command, evaluate func(progress func(int)) (train.Result, error)) (*float64, error) {
	bar := newBar(c, e.mode, int64(e.split.Len()))
	result, err := evaluate(func(done int) { _ = bar.Set(done) })
	_ = bar.Clear()
	e.result = result
	return &result.Accuracy, err
}

func (e *evaluated) outcome() *evaluation {
	o := &evaluation{
		Images: e.result.Images, Accuracy: e.accuracy, Mode: e.mode,
		PerClass: e.result.PerClass(e.classes), Confusion: e.result.Confusion(len(e.classes)),
	}
	o.Accuracy.StandardError, o.Accuracy.Balanced = train.StandardError(e.result.Accuracy, e.result.Images), train.Balanced(o.PerClass)
	return o
}

// writePredictions writes a line an image: its file, or its number in the test
// images where a file holds many, the names of its class and of the one found.
func (e *evaluated) writePredictions(path string) error {
	return train.WriteFile(path, func(file *os.File) error {
		w := csv.NewWriter(file)
		if err := w.Write([]string{"image", "label", "prediction"}); err != nil {
			return err
		}
		for i, label := range e.split.Labels {
			image := strconv.Itoa(i)
			if e.split.Files != nil {
				image = e.split.Files[i].Path
			}
			if err := w.Write([]string{image, e.classes[label], e.classes[e.result.Predictions[i]]}); err != nil {
				return err
			}
		}
		w.Flush()
		return w.Error()
	})
}

// print writes the evaluation for people.
func (o *evaluation) print(w io.Writer) error {
	var rows [][]string
	for _, m := range []struct {
		mode     string
		accuracy *float64
	}{{modeFloat, o.Accuracy.Float}, {modeFakequant, o.Accuracy.Fakequant}, {modeInteger, o.Accuracy.Integer}} {
		mode := m.mode
		if mode == modeFloat && o.Accuracy.Fakequant != nil {
			mode = "quantizers off" // not the float network of the run, which has other weights
		}
		if m.accuracy != nil {
			rows = append(rows, []string{"all, " + mode, strconv.Itoa(o.Images), accuracyOn(m.accuracy, o.Images)})
		}
	}
	for _, p := range o.PerClass {
		rows = append(rows, []string{fmt.Sprintf("%d %s", p.Index, p.Class), strconv.Itoa(p.Images), percent(p.Accuracy)})
	}
	return term.Table(w, []string{"class", "images", "accuracy"}, rows)
}
