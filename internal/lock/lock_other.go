// SPDX-License-Identifier: Apache-2.0

//go:build !unix

package lock

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Name is that of the file that stands for the lock of a folder, and the end of that for a file.
const Name = ".lock"

// Hold makes a file in a folder, or beside a file; while it is there, nobody else can.
func Hold(path string) (release func(), err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		path = filepath.Join(path, Name)
	} else {
		path += Name
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("%w; if it was killed there, remove %s", ErrInUse, path)
	}
	if err != nil {
		return nil, err
	}
	f.Close()
	return func() { os.Remove(path) }, nil
}
