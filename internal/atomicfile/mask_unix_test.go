// SPDX-License-Identifier: Apache-2.0

//go:build unix

package atomicfile_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/goqat/goqat/internal/atomicfile"
)

// TestWriteKeepsToTheMask wants files that nobody but their user can read where the process is told so.
func TestWriteKeepsToTheMask(t *testing.T) {
	for mask, want := range map[int]os.FileMode{0o022: 0o644, 0o077: 0o600} {
		path := filepath.Join(t.TempDir(), "file")
		before := syscall.Umask(mask)
		err := atomicfile.Write(path, func(*os.File) error { return nil })
		syscall.Umask(before)
		if err != nil {
			t.Fatal(err)
		}
		if m, err := os.Stat(path); err != nil || m.Mode().Perm() != want {
			t.Errorf("mask %o: %v, %v", mask, m.Mode(), err)
		}
	}
}
