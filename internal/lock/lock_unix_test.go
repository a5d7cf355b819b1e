// SPDX-License-Identifier: Apache-2.0

//go:build unix

package lock

import (
	"errors"
	"syscall"
	"testing"
)

// Where a file system has no locks a file stands for them; what else goes wrong is not taken for another process.
func TestHoldWithoutLocks(t *testing.T) {
	defer func() { flock = syscall.Flock }()
	for _, err := range []error{syscall.ENOSYS, syscall.EOPNOTSUPP, syscall.ENOLCK} {
		flock = func(int, int) error { return err }
		hold(t)
	}
	flock = func(int, int) error { return syscall.EIO }
	if _, err := Hold(t.TempDir()); !errors.Is(err, syscall.EIO) || errors.Is(err, ErrInUse) {
		t.Error(err)
	}
}
