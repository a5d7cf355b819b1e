// SPDX-License-Identifier: Apache-2.0

// Package atomicfile writes files whole or not at all.
package atomicfile

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// Write calls write to fill a temporary file beside path, syncs that file and renames it
// to path: path holds the old content or the new one, whatever happens. A link to a file
// stays one, and the file that it leads to is written. What is no regular file, such as a
// device, a pipe or the program's standard output by its path, is written to and stays
// what it is.
func Write(path string, write func(*os.File) error) error {
	if info, err := os.Stat(path); err == nil {
		switch kind := info.Mode() & (fs.ModeDevice | fs.ModeCharDevice); {
		case info.IsDir():
			return fmt.Errorf("write %s: it is a folder; name a file", path)
		case kind == fs.ModeDevice:
			return fmt.Errorf("write %s: it is a disk; name a file", path)
		case isStream(info):
			return writeThrough(path, info, write)
		}
	}
	path = replaced(path)
	dir, name := filepath.Split(path)
	root, err := os.OpenRoot(filepath.Clean(dir))
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer root.Close()
	return WriteIn(root, name, fmt.Sprintf(".%s-%016x", name, rand.Uint64()), write)
}

// Folder returns the folder in which Write makes the file that takes the place of path, "" where it writes to what is there.
func Folder(path string) string {
	if info, err := os.Stat(path); err == nil && isStream(info) {
		return ""
	}
	return filepath.Dir(replaced(path))
}

// replaced returns the path of the file that a link leads to.
func replaced(path string) string {
	if file, err := filepath.EvalSymlinks(path); err == nil {
		return file
	}
	return path
}

// isStream tells whether what there is is written to and stays.
func isStream(info os.FileInfo) bool { return !info.Mode().IsRegular() || isStandard(info) }

// isStandard tells whether a file is the program's standard output.
func isStandard(info os.FileInfo) bool {
	out, err := os.Stdout.Stat()
	return err == nil && os.SameFile(info, out)
}

// writeThrough calls write to fill the stream at path.
func writeThrough(path string, info os.FileInfo, write func(*os.File) error) error {
	f := os.Stdout
	if !isStandard(info) {
		var err error
		if f, err = os.OpenFile(path, os.O_WRONLY, 0); err != nil {
			return fmt.Errorf("write %s: %w", path, err)
		}
		defer f.Close()
	}
	if err := write(f); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// WriteIn is Write for a file in an open folder, wherever the folder has been moved to, by
// a temporary file of the given name, which must not exist.
func WriteIn(folder *os.Root, name, temporary string, write func(*os.File) error) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("write %s: %w", filepath.Join(folder.Name(), name), err)
		}
	}()
	f, err := folder.OpenFile(temporary, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			folder.Remove(temporary)
		}
	}()
	if err = write(f); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	if err = folder.Rename(temporary, name); err != nil {
		return err
	}
	return syncDir(folder)
}

// syncDir makes a rename in a folder durable, where the system can.
func syncDir(folder *os.Root) error {
	d, err := folder.Open(".")
	if err != nil {
		return err
	}
	defer d.Close()
	d.Sync() // some file systems cannot; the rename is done all the same
	return nil
}
