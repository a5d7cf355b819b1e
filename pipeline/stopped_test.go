// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"testing"

	"github.com/goqat/goqat/dist"
)

// A run whose disk is full says how to go on, in a command that a shell takes; of other errors nothing is said.
func TestFullDisk(t *testing.T) {
	r := &run{group: dist.Local{}, folder: &folder{path: "my runs/a"}}
	for cause, full := range map[syscall.Errno]bool{syscall.ENOSPC: true, syscall.EDQUOT: true, syscall.EIO: false} {
		var resumable *ResumableError
		err := r.stopped(t.Context(), fmt.Errorf("train: %w", &fs.PathError{Op: "write", Path: "checkpoint", Err: cause}))
		if said := strings.HasSuffix(err.Error(), "; free some space, then resume the run") && errors.As(err, &resumable) && resumable.Folder == "my runs/a"; said != full || !errors.Is(err, cause) {
			t.Error(err)
		}
	}
}
