// SPDX-License-Identifier: Apache-2.0

package train

import (
	"cmp"
	"context"
	"fmt"

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/internal/logits"
	"github.com/goqat/goqat/layers"
)

// A Result is the outcome of an evaluation.
type Result struct {
	Images   int
	Accuracy float64
	// Loss is the mean cross-entropy of a float or fake-quantized network, 0 for
	// integers.
	Loss float64
	// Labels and Predictions are the true classes and those found, in the order
	// of the images.
	Labels, Predictions []int32
}

// Evaluate classifies every image of a split by passes p, in the mode Eval: with
// quantizers or without. progress, if not nil, is told how many images are done. Labels of no class, images that cannot be
// read, and the end of ctx are errors.
func Evaluate(ctx context.Context, n *layers.Network, p graph.Pass, s datasets.Split, progress func(done int)) (Result, error) {
	loss := 0.0
	classify := forward(n, p, func(sum float64) { loss += sum })
	r, err := evaluate(ctx, s, n.Graph.Batch(), len(n.Classes), classify, progress)
	r.Loss = loss / float64(max(1, s.Len()))
	return r, err
}

// forward classifies a batch and tells the sum of the losses of its images.
func forward(n *layers.Network, p graph.Pass, tell func(sum float64)) func(images []uint8, labels []int32) ([]float32, error) {
	return func(images []uint8, labels []int32) ([]float32, error) {
		rows, err := n.Forward(p.In(graph.Eval), images, labels)
		if err == nil {
			tell(CrossEntropy(rows, labels))
		}
		return rows, err
	}
}

// EvaluateIntegers does the same with the integer logits that run computes, as infer.Runner.Run does: of at most batch images
// at a time, one for each of the classes. The result has no loss. It fails as Evaluate and run do.
func EvaluateIntegers(ctx context.Context, run func(logits []int32, images []uint8) error, batch, classes int, s datasets.Split, progress func(done int)) (Result, error) {
	rows := make([]int32, batch*classes)
	classify := func(images []uint8, labels []int32) ([]int32, error) {
		n := len(labels) * classes
		return rows[:n], run(rows[:n], images)
	}
	return evaluate(ctx, s, batch, classes, classify, progress)
}

func evaluate[T int32 | float32](ctx context.Context, s datasets.Split, batch, classes int, classify func([]uint8, []int32) ([]T, error), progress func(int)) (Result, error) {
	r := Result{Images: s.Len(), Labels: s.Labels, Predictions: make([]int32, s.Len())}
	if s.Len() == 0 {
		return r, fmt.Errorf("train: there are no images to evaluate")
	}
	for i, l := range s.Labels {
		if l < 0 || int(l) >= classes {
			return r, fmt.Errorf("train: label %d of image %d is not one of %d classes", l, i, classes)
		}
	}
	var right int
	for b, err := range s.Batches(batch) {
		if err := cmp.Or(err, ctx.Err()); err != nil {
			return r, err
		}
		logits, err := classify(b.Images, b.Labels)
		if err != nil {
			return r, err
		}
		right += correct(logits, b.Labels, r.Predictions[b.First:b.End()])
		if progress != nil {
			progress(b.End())
		}
	}
	r.Accuracy = float64(right) / float64(s.Len())
	return r, nil
}

// correct counts the rows, [len(labels), classes], whose greatest
// value is at the label; the first of equal ones counts. It writes the classes
// found to predictions, if not nil.
func correct[T int32 | float32](rows []T, labels, predictions []int32) int {
	classes := len(rows) / len(labels)
	var n int
	for i, label := range labels {
		best := int32(logits.Top(rows[i*classes : (i+1)*classes]))
		if best == label {
			n++
		}
		if predictions != nil {
			predictions[i] = best
		}
	}
	return n
}
