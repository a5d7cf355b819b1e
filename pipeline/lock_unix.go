// SPDX-License-Identifier: Apache-2.0

//go:build unix

package pipeline

import (
	"os"
	"syscall"
)

// lockFile is the name of a file that stands for the lock: none here.
const lockFile = ""

// lock holds a folder until release is called or the process ends.
func lock(folder string) (release func(), err error) {
	d, err := os.Open(folder)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(d.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		d.Close()
		return nil, ErrInUse
	}
	return func() { d.Close() }, nil
}
