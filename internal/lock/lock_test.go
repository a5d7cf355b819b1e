// SPDX-License-Identifier: Apache-2.0

package lock

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// hold holds a folder and a file, each once at a time, and leaves nothing there.
func hold(t *testing.T) {
	t.Helper()
	folder := t.TempDir()
	file := filepath.Join(folder, "a")
	if err := os.WriteFile(file, []byte("kept"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{folder, file} {
		for range 2 {
			release, err := Hold(path)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Hold(path); !errors.Is(err, ErrInUse) {
				t.Errorf("%s is held twice: %v", path, err)
			}
			release()
		}
	}
	if _, err := Hold(filepath.Join(folder, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	found, err := os.ReadDir(folder)
	if text, wrong := os.ReadFile(file); err != nil || wrong != nil || len(found) != 1 || string(text) != "kept" {
		t.Errorf("%v, %q, %v, %v", found, text, err, wrong)
	}
}

func TestHold(t *testing.T) { hold(t) }
