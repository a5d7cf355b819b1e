// SPDX-License-Identifier: Apache-2.0

//go:build !unix

package pipeline

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// lockFile is the name of the file that stands for the lock.
const lockFile = ".lock"

// lock makes a file in the folder; while it is there, nobody else can.
func lock(folder string) (release func(), err error) {
	path := filepath.Join(folder, lockFile)
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
