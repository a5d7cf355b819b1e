// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/goqat/goqat/internal/kernel"
	"github.com/goqat/goqat/internal/term"
	"github.com/goqat/goqat/pipeline"
	"github.com/goqat/goqat/recipe"
)

// Exit codes.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130
)

// run executes one command line and returns the exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitDone
	}
	code := exitFailed
	var usage *usageError
	var saved *pipeline.Interrupted
	switch {
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
		code = exitInterrupted
		if !errors.As(err, &saved) {
			err = errors.New("interrupted")
		}
	case errors.As(err, &usage):
		code = exitUsage
	}
	fmt.Fprintln(stderr, "qat: "+strings.TrimPrefix(oneLine(err), "qat: ")) // of package qat, too
	return code
}

// oneLine returns the text of an error, which may have names from files, without line
// breaks and as a terminal may show it.
func oneLine(err error) string {
	return term.Plain(strings.Join(strings.FieldsFunc(err.Error(), func(r rune) bool { return r == '\n' || r == '\r' }), " "))
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "qat",
		Short: "Train networks with quantization in the graph and run them on integers",
		Long: `Train networks with quantization in the graph, export them to integers, and
prove tensor by tensor that both agree.`,
		Example: `  qat train                                  # the quick start, on images that come with the program
  qat run runs/lenet-pact-w4a4/model.qmodel shoe.png
  qat eval runs/lenet-pact-w4a4/model.qmodel --data fashion-sample`,
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(c *cobra.Command, _ []string) error {
			if err := kernel.CheckEnvironment(); err != nil {
				return usagef(c, "%w", err)
			}
			return nil
		},
	}
	root.AddCommand(
		trainCommand(), evalCommand(), exportCommand(), verifyCommand(), compareCommand(), runCommand(), benchCommand(), inspectCommand(), tableCommand(),
		methodsCommand(), dataCommand(), versionCommand(), calibrateCommand(), sensitivityCommand(),
	)
	root.CompletionOptions.HiddenDefaultCmd = true
	root.Version = version().String()
	root.SetVersionTemplate("{{.Version}}")
	group(root)
	return root
}

// group makes a command one that only holds others: it shows its help, and says
// what a wrong verb was probably meant to be.
func group(c *cobra.Command) {
	c.Args = cobra.ArbitraryArgs
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return c.Help()
		}
		return unknownVerb(c, args[0])
	}
	c.SetFlagErrorFunc(func(failed *cobra.Command, err error) error { // of those it holds, too
		if failed == c && c.Flags().NArg() > 0 { // the flag is one of the verb that was meant
			return unknownVerb(c, c.Flags().Arg(0))
		}
		return usagef(failed, "%w", err)
	})
}

func unknownVerb(c *cobra.Command, name string) error {
	var verbs []string
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			verbs = append(verbs, sub.Name())
		}
	}
	if near := recipe.Nearest(name, verbs); near != "" {
		return usagef(c, "there is no %q, did you mean %q?", name, near)
	}
	return usagef(c, "there is no %q, only %s", name, strings.Join(verbs, ", "))
}

// A usageError is a command line that makes no sense.
type usageError struct {
	command string
	err     error
}

func (e *usageError) Error() string { return fmt.Sprintf("%v (see %s --help)", e.err, e.command) }
func (e *usageError) Unwrap() error { return e.err }

func usagef(c *cobra.Command, format string, args ...any) error {
	return &usageError{c.CommandPath(), fmt.Errorf(format, args...)}
}

// arguments wants at least so many arguments and at most as many (-1: any
// number); what says which.
func arguments(least, most int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		given := strings.Join(args, " ")
		switch {
		case len(args) >= least && (most < 0 || len(args) <= most):
			return nil
		case len(args) == 0:
			return usagef(c, "name %s", what)
		case len(args) < least:
			return usagef(c, "%s is not enough: name %s", given, what)
		case most == 0:
			return usagef(c, "%s is too much: there are no arguments", given)
		}
		return usagef(c, "%s is too much: name %s", given, what)
	}
}
