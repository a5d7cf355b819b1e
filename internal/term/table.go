// SPDX-License-Identifier: Apache-2.0

package term

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Table writes rows under a header, in columns two spaces apart. Every row has
// as many cells as the header.
func Table(w io.Writer, header []string, rows [][]string) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range append([][]string{header}, rows...) {
		if _, err := fmt.Fprintln(t, strings.Join(row, "\t")); err != nil {
			return fmt.Errorf("term: write table: %w", err)
		}
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("term: write table: %w", err)
	}
	return nil
}
