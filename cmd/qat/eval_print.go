// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"github.com/goqat/goqat/evaluate"
	"github.com/goqat/goqat/internal/term"
	"github.com/goqat/goqat/train"
)

// printEvaluation writes an evaluation for people.
func printEvaluation(p *term.Page, e *evaluate.Evaluation) {
	var rows [][]string
	all := func(mode string, accuracy *float64) {
		if accuracy != nil {
			rows = append(rows, []string{"all, " + mode, strconv.Itoa(e.Images), accuracyOn(accuracy, e.Images)})
		}
	}
	float := evaluate.Float
	if e.Accuracy.Fakequant != nil {
		float = "quantizers off" // not the float network of the run, which has other weights
	}
	all(float, e.Accuracy.Float)
	all(evaluate.Fakequant, e.Accuracy.Fakequant)
	all(evaluate.Integer, e.Accuracy.Integer)
	classes, more := leastFound(e.PerClass)
	for _, class := range classes {
		rows = append(rows, []string{fmt.Sprintf("%d %s", class.Index, class.Class), strconv.Itoa(class.Images), accuracyOn(class.Accuracy, class.Images)})
	}
	p.Table([]string{"class", "images", "accuracy"}, rows)
	if more > 0 {
		p.Printf("\nthe classes that were found least; %d more are in the document of --json\n", more)
	}
}

// mostClasses is how many classes are shown.
const mostClasses = 100

// leastFound returns all classes, or of very many those of the least accuracy, by index,
// and how many are left out.
func leastFound(classes []train.ClassOutcome) (shown []train.ClassOutcome, left int) {
	if len(classes) <= mostClasses {
		return classes, 0
	}
	of := func(c train.ClassOutcome) float64 {
		if c.Accuracy == nil {
			return 2 // nothing to find
		}
		return *c.Accuracy
	}
	shown = slices.Clone(classes)
	slices.SortStableFunc(shown, func(a, b train.ClassOutcome) int { return cmp.Compare(of(a), of(b)) })
	shown = shown[:mostClasses]
	slices.SortFunc(shown, func(a, b train.ClassOutcome) int { return cmp.Compare(a.Index, b.Index) })
	return shown, len(classes) - mostClasses
}
