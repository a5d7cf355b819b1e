// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/goqat/goqat/internal/term"
	"github.com/goqat/goqat/train"
)

// addJSON adds the flag --json to a command.
func addJSON(c *cobra.Command, on *bool) {
	c.Flags().BoolVar(on, "json", false, "print one JSON document")
}

// printJSON writes one JSON document.
func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	return nil
}

// printf writes a part of the result.
func printf(w io.Writer, format string, args ...any) error {
	if _, err := fmt.Fprintf(w, format, args...); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	return nil
}

// percent writes a fraction, "-" for none.
func percent(fraction *float64) string {
	if fraction == nil {
		return "-"
	}
	return fmt.Sprintf("%.2f %%", 100**fraction)
}

// accuracyOn writes an accuracy on so many images with its standard error.
func accuracyOn(accuracy *float64, images int) string {
	if accuracy == nil {
		return "-"
	}
	return fmt.Sprintf("%.2f ± %.2f %%", 100**accuracy, 100*train.StandardError(*accuracy, images))
}

// byteSize writes a size with a unit of 1024s.
func byteSize(n int64) string {
	switch {
	case n < 10<<10:
		return fmt.Sprintf("%d B", n)
	case n < 1<<20:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
}

// newBar returns a bar on standard error for something of a known size. Clear it
// before anything else is written.
func newBar(c *cobra.Command, what string, total int64, options ...progressbar.Option) *progressbar.ProgressBar {
	w := c.ErrOrStderr()
	return term.NewBar(w, term.IsTerminal(w), what, total, options...)
}
