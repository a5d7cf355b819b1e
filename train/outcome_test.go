// SPDX-License-Identifier: Apache-2.0

package train_test

import (
	"math"
	"reflect"
	"testing"

	"github.com/goqat/goqat/train"
)

// TestOutcomeOfClasses has three classes, of which one is half right and one has
// no images.
func TestOutcomeOfClasses(t *testing.T) {
	r := train.Result{Images: 5, Accuracy: 0.8, Labels: []int32{0, 1, 0, 1, 0}, Predictions: []int32{0, 1, 0, 2, 0}}
	classes := r.PerClass([]string{"a", "b", "c"})
	one, half := 1.0, 0.5
	if want := []train.ClassOutcome{{0, "a", 3, &one, 0}, {1, "b", 2, &half, math.Sqrt(0.125)}, {2, "c", 0, nil, 0}}; !reflect.DeepEqual(classes, want) {
		t.Errorf("per class: %+v", classes)
	}
	if b := train.Balanced(classes); b != 0.75 {
		t.Errorf("balanced accuracy %v, want 0.75", b)
	}
	if c := r.Confusion(3); !reflect.DeepEqual(c, [][]int{{3, 0, 0}, {0, 1, 1}, {0, 0, 0}}) {
		t.Errorf("confusion %v", c)
	}
	if c := r.Confusion(101); c != nil {
		t.Errorf("a confusion matrix of 101 classes")
	}
	for accuracy, want := range map[float64]string{0: "0 %, none of 5", 0.8: "80.00 ± 17.89 %", 1: "100 %, all of 5"} {
		if got := train.Measured(accuracy, 5); got != want {
			t.Errorf("%v: %q, want %q", accuracy, got, want)
		}
	}
	if e := train.StandardError(r.Accuracy, r.Images); math.Abs(e-math.Sqrt(0.8*0.2/5)) > 1e-15 {
		t.Errorf("standard error %v", e)
	}
}

// TestCrossEntropyIsThatOfSoftmax has two images whose probabilities are known.
func TestCrossEntropyIsThatOfSoftmax(t *testing.T) {
	logits := []float32{0, float32(math.Log(3)), 5, 5}
	if got, want := train.CrossEntropy(logits, []int32{1, 0}), -math.Log(0.75)-math.Log(0.5); math.Abs(got-want) > 1e-6 {
		t.Errorf("%v, want %v", got, want)
	}
}
