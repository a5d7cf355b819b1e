// SPDX-License-Identifier: Apache-2.0

package term

import (
	"fmt"
	"io"
)

// A Page is a result written for people. It keeps the first error of writing and
// writes nothing after it.
type Page struct {
	Width int // columns of the terminal that shows it, 0 without one
	Rows  int // of a table that fit there, 0 for any number

	w   io.Writer
	err error
}

// NewPage returns a page on w, usually standard output.
func NewPage(w io.Writer) *Page {
	const around = 3 // the header, a line that says what is left, and the prompt
	p := &Page{w: w}
	if width, height := size(w); height > 0 {
		p.Width, p.Rows = width, max(1, height-around)
	}
	return p
}

// Err returns the first error of writing.
func (p *Page) Err() error { return p.err }

// Lines are text of several lines, without names from files.
type Lines string

// Printf writes text. Strings among args may be names from files and are made
// [Plain]; Lines stay as they are.
func (p *Page) Printf(format string, args ...any) {
	for i, arg := range args {
		if s, ok := arg.(string); ok {
			args[i] = Plain(s)
		}
	}
	p.write(fmt.Sprintf(format, args...))
}

func (p *Page) write(text string) {
	if p.err != nil {
		return
	}
	if _, err := io.WriteString(p.w, text); err != nil {
		p.err = fmt.Errorf("write the result: %w", err)
	}
}

// Percent writes a fraction, "-" for none.
func Percent(fraction *float64) string {
	if fraction == nil {
		return "-"
	}
	return fmt.Sprintf("%.2f %%", 100**fraction)
}

// Bytes writes a size with a unit of 1024s.
func Bytes(n int64) string {
	switch {
	case n < 10<<10:
		return fmt.Sprintf("%d B", n)
	case n < 1<<20:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
}
