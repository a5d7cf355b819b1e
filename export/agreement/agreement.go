// SPDX-License-Identifier: Apache-2.0

// Package agreement says how well a model that was written for another runtime agrees with the integers of goqat's, operator
// by operator, if every operator is fed with goqat's own integers.
package agreement

import "fmt"

// A Level is how well an operator agrees.
type Level string

const (
	Exact Level = "exact" // the same integers, always
	Step  Level = "step"  // integers that differ, rarely, by one step of the output
	Float Level = "float" // real numbers that the runtime rounds as it likes, such as logits that nobody quantizes
	None  Level = "none"  // the format has no form of the operator
)

// A Statement is about one operator of a model.
type Statement struct {
	Operator  string `json:"operator"` // name of the operator in the model
	Op        string `json:"op"`       // what it is, such as "conv2d"
	Agreement Level  `json:"agreement"`
	Note      string `json:"note,omitempty"` // the proof, the reason, or the nearest form there is
}

// Refused returns an error that names the operators without a form, nil if there are none.
func Refused(format string, statements []Statement) error {
	var first *Statement
	n := 0
	for i := range statements {
		if statements[i].Agreement == None {
			if n++; first == nil {
				first = &statements[i]
			}
		}
	}
	switch {
	case n == 0:
		return nil
	case n == 1:
		return fmt.Errorf("%s has no form of the operator %s (%s): %s", format, first.Operator, first.Op, first.Note)
	}
	return fmt.Errorf("%s has no form of %d operators, the first is %s (%s): %s", format, n, first.Operator, first.Op, first.Note)
}
