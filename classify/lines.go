// SPDX-License-Identifier: Apache-2.0

package classify

import "fmt"

// A Line is one class of an answer, for people.
type Line struct {
	Image string // and the row; empty below the first class of an answer
	Candidate
}

// Lines returns the answers that have classes as so many lines at most, 0 for any number: a line for each class, or if
// these are too many for the most probable alone. How many answers have no line then is left.
func Lines(answers []Answer, most int) (lines []Line, left int) {
	for _, a := range answers {
		image := a.Image
		if a.Row > 0 {
			image = fmt.Sprintf("%s, row %d", image, a.Row)
		}
		for _, c := range a.Top {
			lines = append(lines, Line{image, c})
			image = ""
		}
	}
	if most == 0 || len(lines) <= most {
		return lines, 0
	}
	var first []Line
	for _, l := range lines {
		if l.Image != "" {
			first = append(first, l)
		}
	}
	shown := min(most, len(first))
	return first[:shown], len(first) - shown
}
