// SPDX-License-Identifier: Apache-2.0

package atomicfile_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goqat/goqat/internal/atomicfile"
)

// TestWriteToWhatIsNoFile writes into devices by a link that a rename would replace:
// the link stays, and a full device is an error.
func TestWriteToWhatIsNoFile(t *testing.T) {
	for device, full := range map[string]bool{"/dev/null": false, "/dev/full": true} {
		info, err := os.Stat(device)
		if err != nil || info.Mode()&fs.ModeCharDevice == 0 {
			t.Skip("no device " + device)
		}
		link := filepath.Join(t.TempDir(), "link")
		if err := os.Symlink(device, link); err != nil {
			t.Fatal(err)
		}
		err = atomicfile.Write(link, func(f *os.File) error { _, err := f.WriteString("content"); return err })
		if failed := err != nil; failed != full || failed && !strings.Contains(err.Error(), "no space left") {
			t.Errorf("%s: %v", device, err)
		}
		if now, err := os.Lstat(link); err != nil || now.Mode()&fs.ModeSymlink == 0 {
			t.Errorf("%s: the link has become %v, %v", device, now, err)
		}
	}
}

// TestFolder: a file is made beside the one that a link leads to, and none where there is a stream.
func TestFolder(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	link, file := filepath.Join(t.TempDir(), "link"), filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(file, link); err != nil {
		t.Skip(err)
	}
	for path, want := range map[string]string{file: dir, link: dir, filepath.Join(dir, "new"): dir, "new": ".", os.DevNull: ""} {
		if got := atomicfile.Folder(path); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}

// TestWriteThroughALink writes what a link leads to, as editors and shells do.
func TestWriteThroughALink(t *testing.T) {
	dir := t.TempDir()
	file, link := filepath.Join(dir, "1.qmodel"), filepath.Join(dir, "newest.qmodel")
	if err := os.WriteFile(file, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("1.qmodel", link); err != nil {
		t.Skip(err)
	}
	if err := atomicfile.Write(link, func(f *os.File) error { _, err := f.WriteString("new"); return err }); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "new" {
		t.Errorf("the file has %q, %v", text, err)
	}
	if now, err := os.Lstat(link); err != nil || now.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("the link has become %v, %v", now, err)
	}
}

// TestWriteToStandardOutput names the file that the program's results go to, which a
// rename would take away from them.
func TestWriteToStandardOutput(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	defer func(out *os.File) { os.Stdout = out }(os.Stdout)
	os.Stdout = file
	if err := atomicfile.Write(path, func(f *os.File) error { _, err := f.WriteString("a page, "); return err }); err != nil {
		t.Fatal(err)
	}
	file.WriteString("then a table")
	if got, err := os.ReadFile(path); err != nil || string(got) != "a page, then a table" {
		t.Errorf("%q, %v", got, err)
	}
}

// TestWriteIsAtomic leaves the old file, and nothing else, where writing or
// renaming fails.
func TestWriteIsAtomic(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	content := func(s string) func(*os.File) error {
		return func(f *os.File) error {
			if filepath.Dir(f.Name()) != dir || f.Name() == path {
				t.Errorf("writes to %s, not beside %s", f.Name(), path)
			}
			_, err := f.WriteString(s)
			return err
		}
	}
	if err := atomicfile.Write(path, content("old")); err != nil {
		t.Fatal(err)
	}
	full := errors.New("no space left")
	err := atomicfile.Write(path, func(f *os.File) error {
		if err := content("new")(f); err != nil {
			return err
		}
		if data, err := os.ReadFile(path); err != nil || string(data) != "old" {
			t.Errorf("while writing the file is %q, %v", data, err)
		}
		return full
	})
	if !errors.Is(err, full) || !strings.HasPrefix(err.Error(), "write "+path) {
		t.Errorf("error %v", err)
	}
	// A closed file cannot be synced.
	if err := atomicfile.Write(path, func(f *os.File) error { return f.Close() }); err == nil {
		t.Error("a file that cannot be synced is written")
	}
	// A folder in the way cannot be replaced.
	blocked := filepath.Join(dir, "blocked")
	if err := os.Mkdir(blocked, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := atomicfile.Write(blocked, func(f *os.File) error { _, err := f.WriteString("x"); return err }); err == nil {
		t.Error("a folder is replaced")
	}
	if err := atomicfile.Write(filepath.Join(dir, "absent", "file"), content("new")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no folder: error %v", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	if data, err := os.ReadFile(path); err != nil || string(data) != "old" {
		t.Errorf("the file is %q, %v", data, err)
	}
	if os.Geteuid() != 0 { // root writes everywhere
		if err := os.Chmod(dir, 0o555); err != nil {
			t.Fatal(err)
		}
		defer os.Chmod(dir, 0o755)
		if err := atomicfile.Write(path, content("new")); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("a folder that is read only: error %v", err)
		}
	}
}
