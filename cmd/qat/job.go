// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/goqat/goqat/dist"
	"github.com/goqat/goqat/internal/command"
	"github.com/goqat/goqat/pipeline"
)

// A job is the processes that carry out a command together, usually this one alone.
type job struct {
	dist.Group
	threads int // of each, 0 for as many as there are processors
}

// grace is how long a rank waits with its error for rank 0, which may have the same one and then
// ends the job.
const grace = 2 * time.Second

// together makes what a verb does the work of a job.
func together(run func(c *cobra.Command, args []string, j job) error) func(*cobra.Command, []string) error {
	return func(c *cobra.Command, args []string) error {
		j, err := join(c)
		if err != nil {
			return later(dist.Launched().Rank, err)
		}
		return j.end(run(c, args, j))
	}
}

// end waits for the end of the job: rank 0 may have work of its own, and some launchers end it when
// others have left. It returns the error of this rank as that of the job, which is reported once,
// and no rank waits for one that has failed.
func (j job) end(err error) error {
	if j.Size() == 1 {
		return err
	}
	saved := new(pipeline.Interrupted)
	interrupted := errors.As(err, &saved)
	if err == nil || interrupted && saved.Alone { // the others are here, or soon will be
		failed := j.Broadcast(make([]byte, 1))
		if err == nil && failed == nil {
			return j.Close()
		}
		if failed != nil {
			err, interrupted = failed, false
		}
	}
	if interrupted {
		return &command.JobError{Err: err, Reported: j.Rank() > 0, End: func() { _ = j.Close() }} // the launcher may be ending the job already
	}
	return &command.JobError{Err: later(j.Rank(), err), End: j.Abort}
}

// later returns the error of a rank, but for rank 0 after its grace.
func later(rank int, err error) error {
	if rank == 0 {
		return err
	}
	time.Sleep(grace)
	return fmt.Errorf("rank %d: %w", rank, err)
}
