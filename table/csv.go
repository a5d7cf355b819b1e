// SPDX-License-Identifier: Apache-2.0

package table

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// CSV writes lines as comma-separated values, accuracies as fractions. What a line does
// not have is empty.
func CSV(w io.Writer, lines []Line) error {
	c := csv.NewWriter(w)
	rows := [][]string{{"row", "what", "seeds", "epochs", "minutes_a_seed", "size_bytes", "accuracy", "least", "greatest", "deviation", "standard_error", "integer_mismatches"}}
	number := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	for _, l := range lines {
		row := []string{l.Name, l.What, strings.ReplaceAll(seeds(l.Seeds), ",", ""), strconv.Itoa(l.Epochs), number(l.Minutes), "", number(l.Mean),
			number(l.Least), number(l.Greatest), "", number(l.StandardError), ""}
		if l.Bytes > 0 {
			row[5] = strconv.FormatInt(l.Bytes, 10)
		}
		if l.Deviation != nil {
			row[9] = number(*l.Deviation)
		}
		if l.Mismatches != nil {
			row[11] = strconv.Itoa(*l.Mismatches)
		}
		rows = append(rows, row)
	}
	if err := c.WriteAll(rows); err != nil {
		return fmt.Errorf("table: %w", err)
	}
	return nil
}
