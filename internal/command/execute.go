// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/goqat/goqat/internal/term"
	"github.com/goqat/goqat/pipeline"
)

// Exit codes.
const (
	Done        = 0
	Failed      = 1
	Usage       = 2
	Interrupted = 130
)

// A JobError is an error of one of the processes that carry out a command together.
type JobError struct {
	Err      error
	Reported bool   // by another process
	End      func() // is called when the error is reported; nil for nothing
}

func (e *JobError) Error() string { return e.Err.Error() }
func (e *JobError) Unwrap() error { return e.Err }

// Execute executes one command line of a program and returns its exit code. Its error is
// a line on stderr.
func Execute(ctx context.Context, root *cobra.Command, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	inDigits(root)
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	verb, err := root.ExecuteContextC(ctx)
	if err == nil {
		return Done
	}
	code := Failed
	var usage *UsageError
	var saved *pipeline.Interrupted
	switch {
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
		code = Interrupted
		if !errors.As(err, &saved) {
			err = errors.New("interrupted")
		}
	case errors.As(err, &saved): // another process of the job was told to stop
		code = Interrupted
	case errors.As(err, &usage):
		code = Usage
	}
	var shared *JobError
	if errors.As(err, &shared) {
		if shared.End != nil {
			defer shared.End()
		}
		if shared.Reported {
			return code
		}
	}
	advised := flags(verb, err)
	if usage != nil {
		advised += fmt.Sprintf(" (see %s --help)", usage.command)
	}
	name := root.Name() + ": "
	fmt.Fprintln(stderr, name+strings.TrimPrefix(term.OneLine(err), name)+advised) // a package may have the same name
	return code
}
