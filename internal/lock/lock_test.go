// SPDX-License-Identifier: Apache-2.0

package lock_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/goqat/goqat/internal/lock"
)

// A file or a folder is held once at a time.
func TestHold(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "a")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{folder, file} {
		for range 2 {
			release, err := lock.Hold(path)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := lock.Hold(path); !errors.Is(err, lock.ErrInUse) {
				t.Errorf("%s is held twice: %v", path, err)
			}
			release()
		}
	}
	if _, err := lock.Hold(filepath.Join(folder, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}
