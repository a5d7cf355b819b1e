// SPDX-License-Identifier: Apache-2.0

//go:build !mpi || !linux || !(amd64 || arm64)

package main

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/goqat/goqat/dist"
	"github.com/goqat/goqat/internal/command"
)

// join refuses to be one of several processes: without MPI each of them would train by itself, in one
// and the same folder.
func join(c *cobra.Command) (job, error) {
	if l := dist.Launched(); l.Size > 1 {
		return job{}, command.Wrong(c, "the launcher of %s has started %d processes, but this program was built without MPI; build it with -tags mpi, or start it alone", l.Name, l.Size)
	}
	return job{Group: dist.Local{}}, nil
}

// exit ends the program.
func exit(code int) { os.Exit(code) }
