// SPDX-License-Identifier: Apache-2.0

//go:build unix

package lock

import (
	"errors"
	"os"
	"syscall"
)

var flock = syscall.Flock // tests have others

// Hold holds a file or a folder, which is there, until release is called or the process ends; where the file system has
// no locks, as some of clusters have not, by a file.
func Hold(path string) (release func(), err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	how := os.O_RDWR // as NFS asks for
	if info.IsDir() {
		how = os.O_RDONLY
	}
	f, err := os.OpenFile(path, how, 0)
	if err != nil {
		return nil, err
	}
	err = flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	switch {
	case err == nil:
		return func() { f.Close() }, nil
	case errors.Is(err, syscall.EWOULDBLOCK):
		err = ErrInUse
	case errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.ENOLCK):
		f.Close()
		return byFile(path, info.IsDir())
	}
	f.Close()
	return nil, err
}
