// SPDX-License-Identifier: Apache-2.0

//go:build unix

package lock

import (
	"os"
	"syscall"
)

// Name is that of the file that stands for the lock of a folder: none here.
const Name = ""

// Hold holds a file or a folder, which is there, until release is called or the process ends.
func Hold(path string) (release func(), err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, ErrInUse
	}
	return func() { f.Close() }, nil
}
