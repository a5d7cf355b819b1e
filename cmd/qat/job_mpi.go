// SPDX-License-Identifier: Apache-2.0

//go:build mpi && linux && (amd64 || arm64)

package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/goqat/goqat/dist"
	"github.com/goqat/goqat/dist/mpi"
)

// watchers is how many ranks tell that others do not answer: the second does for the case that the
// first is the one that hangs.
const watchers = 2

// join joins the processes that a launcher of MPI has started.
func join(c *cobra.Command) (job, error) {
	l := dist.Launched()
	if l.Size == 1 {
		return job{Group: dist.Local{}}, nil
	}
	comm, err := mpi.Join()
	if err != nil {
		return job{}, err
	}
	if comm.Rank() < watchers {
		comm.Slow = func(call string, waited time.Duration) {
			fmt.Fprintf(c.ErrOrStderr(), "qat: rank %d has waited %v for the others (%s); one of them is busy, or hangs\n", comm.Rank(), waited.Round(time.Second), call)
		}
	}
	if comm.Rank() == 0 {
		fmt.Fprintf(c.ErrOrStderr(), "%d processes, %d threads each where the recipe does not say; %v\n", l.Size, l.Threads(), comm)
	}
	return job{comm, l.Threads()}, nil
}

// exit ends the program, as its launcher wants it.
func exit(code int) { mpi.Exit(code) }
