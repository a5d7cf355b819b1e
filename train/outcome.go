// SPDX-License-Identifier: Apache-2.0

package train

import (
	"fmt"
	"math"

	"github.com/goqat/goqat/internal/logits"
)

// StandardError returns the standard error of an accuracy p on n images,
// √(p(1 − p)/n). A difference of less than two of them may be chance.
func StandardError(accuracy float64, images int) float64 {
	return math.Sqrt(accuracy * (1 - accuracy) / float64(max(1, images)))
}

// Measured writes an accuracy on so many images, in percent, with its standard error; where
// all or none are right that would be 0, as if there were no doubt, and the number of images
// says more.
func Measured(accuracy float64, images int) string {
	switch accuracy {
	case 1:
		return fmt.Sprintf("100 %%, all of %d", images)
	case 0:
		return fmt.Sprintf("0 %%, none of %d", images)
	}
	return fmt.Sprintf("%.2f ± %.2f %%", 100*accuracy, 100*StandardError(accuracy, images))
}

// CrossEntropy returns the sum of −log softmax(logits)[label] over rows of logits,
// [len(labels), classes].
func CrossEntropy(rows []float32, labels []int32) (sum float64) {
	classes := len(rows) / max(1, len(labels))
	exponentials := make([]float64, classes)
	for i, label := range labels {
		row := rows[i*classes : (i+1)*classes]
		most, total := logits.Exponentials(exponentials, row, 1)
		sum += math.Log(total) - (float64(row[label]) - most)
	}
	return sum
}

// A ClassOutcome is how well the images of one class are classified.
type ClassOutcome struct {
	Index  int    `json:"index"` // of the class in logits and labels
	Class  string `json:"class"`
	Images int    `json:"images"`
	// Accuracy is the recall of the class, nil without images, and StandardError its
	// standard error.
	Accuracy      *float64 `json:"accuracy"`
	StandardError float64  `json:"standard_error"`
}

// PerClass returns the outcome of each of the named classes.
func (r Result) PerClass(classes []string) []ClassOutcome {
	outcomes := make([]ClassOutcome, len(classes))
	right := make([]int, len(classes))
	for c, name := range classes {
		outcomes[c].Index, outcomes[c].Class = c, name
	}
	for i, label := range r.Labels {
		outcomes[label].Images++
		if r.Predictions[i] == label {
			right[label]++
		}
	}
	for c := range outcomes {
		if o := &outcomes[c]; o.Images > 0 {
			recall := float64(right[c]) / float64(o.Images)
			o.Accuracy, o.StandardError = &recall, StandardError(recall, o.Images)
		}
	}
	return outcomes
}

// Balanced returns the balanced accuracy: the mean recall of the classes that have
// images.
func Balanced(classes []ClassOutcome) float64 {
	var sum float64
	n := 0
	for _, c := range classes {
		if c.Accuracy != nil {
			sum += *c.Accuracy
			n++
		}
	}
	return sum / float64(max(1, n))
}

// mostConfused is the greatest number of classes that have a confusion matrix:
// beyond, it is more than anybody reads.
const mostConfused = 100

// Confusion returns the confusion matrix: how many images of each class, in rows,
// were found to be of each class, in columns. It is nil for more than 100 classes.
func (r Result) Confusion(classes int) [][]int {
	if classes > mostConfused {
		return nil
	}
	counts := make([][]int, classes)
	for c := range counts {
		counts[c] = make([]int, classes)
	}
	for i, label := range r.Labels {
		counts[label][r.Predictions[i]]++
	}
	return counts
}
