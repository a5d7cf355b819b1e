// SPDX-License-Identifier: Apache-2.0

// Package term shows progress and tables to people: a bar on a terminal, plain
// lines everywhere else. It is attached to a training as hooks, so that no
// library package writes to the screen.
package term

import (
	"io"
	"os"

	"golang.org/x/term"
)

// IsTerminal tells whether w is a terminal where a line can be redrawn, which
// one of TERM=dumb is not.
func IsTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && os.Getenv("TERM") != "dumb" && term.IsTerminal(int(f.Fd()))
}

// size returns the columns and the lines of a terminal, 0 of anything else.
func size(w io.Writer) (width, height int) {
	if !IsTerminal(w) {
		return 0, 0
	}
	width, height, err := term.GetSize(int(w.(*os.File).Fd()))
	if err != nil {
		return 0, 0
	}
	return width, height
}
