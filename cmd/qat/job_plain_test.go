// SPDX-License-Identifier: Apache-2.0

//go:build !mpi

package main

import (
	"testing"

	"github.com/goqat/goqat/internal/command"
)

// TestNoMPI refuses to be one of several processes that know nothing of each other.
func TestNoMPI(t *testing.T) {
	t.Setenv("OMPI_COMM_WORLD_SIZE", "2")
	mustFail(t, command.Usage, []string{"train", "--out", t.TempDir() + "/run"}, "Open MPI has started 2 processes, but this program was built without MPI; build it with -tags mpi")
}
