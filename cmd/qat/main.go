// SPDX-License-Identifier: Apache-2.0

// Command qat trains networks with quantization in the graph, exports them to
// integers and runs, verifies, measures and inspects the result.
//
// Results go to standard output, progress and errors to standard error. It exits
// with 0 when done, 1 on failure, 2 on wrong usage and 130 when interrupted.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/goqat/goqat/internal/command"
	"github.com/goqat/goqat/internal/memory"
)

func main() {
	memory.Collect()
	stops := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // as nohup has it
		stops = append(stops, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(context.Background(), stops...)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	exit(command.Execute(ctx, newRoot(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
