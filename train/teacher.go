// SPDX-License-Identifier: Apache-2.0

package train

import (
	"fmt"
	"slices"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/internal/logits"
	"github.com/goqat/goqat/layers"
)

// A Teacher is a trained network whose answers the student learns from (Hinton
// et al. 2015): the loss mixes in the cross entropy with softmax(logits/T).
type Teacher struct {
	Network     *layers.Network
	Pass        graph.Pass // how it answers: with its quantizers on, or off
	Temperature float64    // T, above 0
	Weight      float64    // share in the loss, in [0, 1]

	soft []float32
	row  []float64 // of exponentials
}

// advise gives the student, and its pass, the soft targets of the teacher for a batch.
func (t *Teacher) advise(student *layers.Network, pass *graph.Pass, images []uint8, labels []int32) error {
	answers, err := t.Network.Forward(t.Pass.In(graph.Eval), images, labels)
	if err != nil {
		return err
	}
	if len(answers) != len(labels)*len(student.Classes) {
		return fmt.Errorf("train: the teacher gives %d values for %d images, the student has %d classes", len(answers), len(labels), len(student.Classes))
	}
	t.soft = append(t.soft[:0], answers...)
	classes := len(answers) / len(labels)
	for at := 0; at < len(t.soft); at += classes {
		t.softmax(t.soft[at : at+classes])
	}
	pass.Temperature, pass.SoftWeight = float32(t.Temperature), float32(t.Weight)
	student.Graph.FeedSoft(t.soft)
	return nil
}

// softmax replaces a row of logits by softmax(logits/T).
func (t *Teacher) softmax(row []float32) {
	t.row = slices.Grow(t.row[:0], len(row))[:len(row)]
	_, sum := logits.Exponentials(t.row, row, t.Temperature)
	for i, e := range t.row {
		row[i] = float32(float64(float32(e)) / sum)
	}
}
