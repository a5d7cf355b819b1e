// SPDX-License-Identifier: Apache-2.0

// Package command says what is wrong with a command line, for programs whose verbs
// are commands of cobra.
package command

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/goqat/goqat/recipe"
)

// A UsageError is a command line that makes no sense.
type UsageError struct {
	command string
	err     error
}

func (e *UsageError) Error() string { return e.err.Error() }
func (e *UsageError) Unwrap() error { return e.err }

// Wrong says what is wrong with the command line of c.
func Wrong(c *cobra.Command, format string, args ...any) error {
	return &UsageError{c.CommandPath(), fmt.Errorf(format, args...)}
}

// Unread refuses flags that are given but that nothing reads; why says what they are for.
func Unread(c *cobra.Command, why string, names ...string) error {
	for _, name := range names {
		if c.Flags().Changed(name) {
			return Wrong(c, "--%s %s", name, why)
		}
	}
	return nil
}

// Arguments wants at least so many arguments and at most as many (-1: any
// number); what says which.
func Arguments(least, most int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		given := strings.Join(args, " ")
		switch {
		case len(args) >= least && (most < 0 || len(args) <= most):
			return nil
		case len(args) == 0:
			return Wrong(c, "name %s", what)
		case len(args) < least:
			return Wrong(c, "%s is not enough: name %s", given, what)
		case most == 0:
			return Wrong(c, "%s is too much: there are no arguments", given)
		}
		return Wrong(c, "%s is too much: name %s", given, what)
	}
}

// Filled refuses arguments and values of flags that are empty, as a variable of a shell
// leaves them that is not set: a flag so given would mean what it means when left out.
func Filled(c *cobra.Command, args []string) (err error) {
	if k := slices.Index(args, ""); k >= 0 {
		return Wrong(c, "argument %d is empty", k+1)
	}
	c.Flags().Visit(func(f *pflag.Flag) {
		if f.Value.Type() == "string" && f.Value.String() == "" && err == nil {
			err = Wrong(c, "--%s is empty; give it a value or leave it out", f.Name)
		}
	})
	return err
}

// Group makes a command one that only holds others: it shows its help, and says
// what a wrong verb was probably meant to be.
func Group(c *cobra.Command, verbs ...*cobra.Command) {
	c.AddCommand(verbs...)
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
		return Wrong(failed, "%w%s", unwanted(err), meant(failed, err))
	})
}

// meant asks whether an unknown flag was meant to be another one.
func meant(c *cobra.Command, err error) string {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return ""
	}
	var names []string
	c.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	if near := recipe.Nearest(unknown.GetSpecifiedName(), names); near != "" {
		return fmt.Sprintf(", did you mean --%s?", near)
	}
	return ""
}

func unknownVerb(c *cobra.Command, name string) error {
	var verbs []string
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			verbs = append(verbs, sub.Name())
		}
	}
	if near := recipe.Nearest(name, verbs); near != "" {
		return Wrong(c, "there is no %q, did you mean %q?", name, near)
	}
	return Wrong(c, "there is no %q, only %s", name, strings.Join(verbs, ", "))
}
