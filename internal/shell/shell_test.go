// SPDX-License-Identifier: Apache-2.0

package shell_test

import (
	"os/exec"
	"testing"

	"github.com/goqat/goqat/internal/shell"
)

// Paths that a shell, or a program after it, would take for something else are quoted, and a shell reads them back.
func TestWord(t *testing.T) {
	sh, missing := exec.LookPath("sh")
	for path, want := range map[string]string{
		"runs/a.yaml": "runs/a.yaml", "a b.yaml": "'a b.yaml'", "-x.yaml": "./-x.yaml", "-x y": "'./-x y'", "it's": `'it'\''s'`, "": "''", "~/$a": "'~/$a'", "ü": "'ü'",
	} {
		got := shell.Word(path)
		if got != want {
			t.Errorf("%q: %s, want %s", path, got, want)
		}
		if missing != nil {
			continue
		}
		if path != "" && path[0] == '-' {
			path = "./" + path
		}
		if read, err := exec.Command(sh, "-c", "printf %s "+got).Output(); err != nil || string(read) != path {
			t.Errorf("%q is read as %q, %v", path, read, err)
		}
	}
}
