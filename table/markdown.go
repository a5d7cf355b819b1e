// SPDX-License-Identifier: Apache-2.0

package table

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// Markdown writes lines as a table of Markdown, accuracies in percent. Below float
// is the mean of the row float less that of the line, in points, where there is
// such a row.
func Markdown(w io.Writer, lines []Line) error {
	var b strings.Builder
	b.WriteString("| row | recipe and flags | seeds | epochs | minutes a seed | file | accuracy | least to greatest | below float | integers that differ |\n")
	b.WriteString("|---|---|---|---|---|---|---|---|---|---|\n")
	float := slices.IndexFunc(lines, func(l Line) bool { return l.Name == Float })
	for i, l := range lines {
		below := "-"
		if float >= 0 && i != float {
			below = fmt.Sprintf("%.2f", 100*(lines[float].Mean-l.Mean))
		}
		fmt.Fprintf(&b, "| %s | `%s` | %s | %d | %.1f | %s | %s | %s | %s | %s |\n", l.Name, l.What, seeds(l.Seeds), l.Epochs, l.Minutes,
			size(l.Bytes), mean(l), spread(l), below, differ(l))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func seeds(list []int) string {
	return strings.ReplaceAll(strings.Trim(fmt.Sprint(list), "[]"), " ", ", ")
}

func size(bytes int64) string {
	if bytes == 0 {
		return "-"
	}
	return fmt.Sprintf("%d B", bytes)
}

// mean returns the mean of a line with its standard error, which is left out where it says nothing: of a single seed
// all of whose images are right, or wrong, the error by the number of images is 0.
func mean(l Line) string {
	if l.StandardError == 0 {
		return fmt.Sprintf("%.2f %%", 100*l.Mean)
	}
	return fmt.Sprintf("%.2f ± %.2f %%", 100*l.Mean, 100*l.StandardError)
}

// spread returns the least and the greatest accuracy of several seeds.
func spread(l Line) string {
	if len(l.Seeds) < 2 {
		return "-"
	}
	return fmt.Sprintf("%.2f to %.2f", 100*l.Least, 100*l.Greatest)
}

// differ returns the integers that differ, or which network was measured instead.
func differ(l Line) string {
	switch {
	case l.Mismatches != nil:
		return fmt.Sprint(*l.Mismatches)
	case l.Quantized:
		return "fake-quantized only"
	}
	return "float"
}
