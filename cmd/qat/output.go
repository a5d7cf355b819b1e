// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

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
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	if _, err := w.Write(plainJSON(b.Bytes())); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	return nil
}

// plainJSON escapes what does not print and package json leaves as it is, such as the
// control characters beyond ASCII; the document stays the same.
func plainJSON(document []byte) []byte {
	plain := make([]byte, 0, len(document))
	for _, r := range string(document) {
		if r == '\n' || strconv.IsPrint(r) {
			plain = utf8.AppendRune(plain, r)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			plain = fmt.Appendf(plain, `\u%04x`, unit)
		}
	}
	return plain
}

// lines are text of several lines, without names from files.
type lines string

// printf writes a part of the result. Strings among args may be names from files and
// are made plain.
func printf(w io.Writer, format string, args ...any) error {
	for i, arg := range args {
		if s, ok := arg.(string); ok {
			args[i] = term.Plain(s)
		}
	}
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
