// SPDX-License-Identifier: Apache-2.0

// Package evaluate measures how well checkpoints and models classify test images.
package evaluate

import (
	"context"
	"encoding/csv"
	"errors"
	"os"
	"strconv"

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/infer"
	"github.com/goqat/goqat/internal/atomicfile"
	"github.com/goqat/goqat/internal/interrupt"
	"github.com/goqat/goqat/pipeline"
	"github.com/goqat/goqat/train"
)

// The modes of an evaluation: how the logits are computed.
const (
	Float     = "float"
	Fakequant = "fakequant"
	Integer   = "integer"
)

// Batch is how many images are evaluated together; no result depends on it.
const Batch = 64

// An Evaluation is how well test images are classified.
type Evaluation struct {
	Images   int                  `json:"images"`
	Accuracy Accuracies           `json:"accuracy"`
	PerClass []train.ClassOutcome `json:"per_class"` // in the mode
	// Confusion has rows of true classes and columns of those found, nil for more
	// than 100.
	Confusion [][]int `json:"confusion"`
	Mode      string  `json:"mode"` // the last of Float, Fakequant, Integer that the file has

	SHA256 string `json:"sha256"`         // of the file, in hexadecimal digits
	Data   string `json:"data"`           // as it was named; "" for that of the training
	Seed   *int   `json:"seed,omitempty"` // of the choice of test images, where one was given
	Part   string `json:"part,omitempty"` // of the test images, "i/n"
	Total  int    `json:"test_images"`    // of all parts

	classes []string
	split   datasets.Split
	result  train.Result // in the mode
}

// Accuracies are fractions, nil in the modes that the file does not have.
type Accuracies struct {
	Float     *float64 `json:"float"`
	Fakequant *float64 `json:"fakequant"`
	Integer   *float64 `json:"integer"`
	// StandardError and Balanced, the mean recall of the classes, are of the mode.
	StandardError float64 `json:"standard_error"`
	Balanced      float64 `json:"balanced"`
}

// Checkpoint evaluates a checkpoint: in float, and fake-quantized if it is of the
// quantized phase. on, if not nil, is told how many images are done.
func Checkpoint(ctx context.Context, r *pipeline.Restored, s datasets.Split, on func(pipeline.Event)) (*Evaluation, error) {
	e := &Evaluation{classes: r.Network.Classes, split: s}
	measure := func(p graph.Pass, mode string, accuracy **float64) (err error) {
		e.result, err = train.Evaluate(ctx, r.Network, p, s, progress(on, mode, s.Len()))
		e.judge(mode, accuracy)
		return err
	}
	if err := measure(graph.Pass{}, Float, &e.Accuracy.Float); err != nil || !r.Quantized {
		return e, err
	}
	return e, measure(graph.Pass{Quantize: true}, Fakequant, &e.Accuracy.Fakequant)
}

// Model evaluates a model on integers, by a runner with the given options for batches of
// [Batch] images.
func Model(ctx context.Context, m *infer.Model, o infer.Options, s datasets.Split, on func(pipeline.Event)) (*Evaluation, error) {
	o.Batch = Batch
	runner, err := m.NewRunner(o)
	if err != nil {
		return nil, err
	}
	defer runner.Close()
	e := &Evaluation{classes: m.Classes(), split: s}
	tell := progress(on, Integer, s.Len())
	result, err := interrupt.Wait(ctx, func() (train.Result, error) {
		return train.EvaluateIntegers(ctx, runner.Run, Batch, len(e.classes), s, tell)
	})
	if err != nil {
		return nil, err
	}
	e.result = result
	e.judge(Integer, &e.Accuracy.Integer)
	return e, nil
}

// progress returns what tells how many images are done.
func progress(on func(pipeline.Event), mode string, total int) func(int) {
	if on == nil {
		return nil
	}
	return func(done int) { on(pipeline.Progress{What: mode, Done: done, Total: total}) }
}

// judge takes in the result of a mode.
func (e *Evaluation) judge(mode string, accuracy **float64) {
	r := e.result
	e.Mode, e.Images, e.PerClass, e.Confusion = mode, r.Images, r.PerClass(e.classes), r.Confusion(len(e.classes))
	*accuracy = &r.Accuracy
	e.Accuracy.StandardError, e.Accuracy.Balanced = train.StandardError(r.Accuracy, r.Images), train.Balanced(e.PerClass)
}

// WritePredictions writes a file of CSV with a line an image: its file, or its number in
// the test images where a file holds many, the names of its class and of the one found.
func (e *Evaluation) WritePredictions(path string) error {
	if e.result.Predictions == nil {
		return errors.New("evaluate: the evaluation was made before and has no predictions of single images; make it again, in another file")
	}
	return atomicfile.Write(path, func(file *os.File) error {
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
