// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/goqat/goqat/evaluate"
	"github.com/goqat/goqat/internal/term"
	"github.com/goqat/goqat/train"
)

// TestEvalOfManyClasses shows the classes of two thousand that are found least, and how
// many are left out; of few all.
func TestEvalOfManyClasses(t *testing.T) {
	for classes, lines := range map[int]int{5: 1 + 1 + 5, 2000: 1 + 1 + mostClasses + 2} {
		e := &evaluate.Evaluation{Images: 2 * classes}
		all := 0.5
		e.Accuracy.Integer = &all
		for i := range classes {
			found := float64(i%2) / 2
			e.PerClass = append(e.PerClass, train.ClassOutcome{Index: i, Class: fmt.Sprint("c", i), Images: 2, Accuracy: &found})
		}
		e.PerClass[0].Accuracy = nil
		var b strings.Builder
		printEvaluation(term.NewPage(&b), e)
		if n := strings.Count(b.String(), "\n"); n != lines {
			t.Errorf("%d classes: %d lines, want %d:\n%s", classes, n, lines, b.String())
		}
		if classes > mostClasses && (strings.Contains(b.String(), " c0 ") || !strings.Contains(b.String(), "1900 more")) {
			t.Error(b.String())
		}
	}
}
