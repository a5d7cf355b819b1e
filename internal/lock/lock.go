// SPDX-License-Identifier: Apache-2.0

// Package lock holds a file or a folder against other processes.
package lock

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// ErrInUse is the error of what another process holds.
var ErrInUse = errors.New("another run is using it; wait for that to end or choose another one")

// Name is that of the file that stands for the lock of a folder, and the end of that for a file, where the system
// or the file system has no locks.
const Name = ".lock"

// byFile holds a file or a folder by a file in it or beside it: while that is there, nobody else can. It outlives a
// process that is killed.
func byFile(path string, folder bool) (release func(), err error) {
	if folder {
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
