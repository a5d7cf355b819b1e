// SPDX-License-Identifier: Apache-2.0

package command_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/infer"
	"github.com/goqat/goqat/internal/command"
	"github.com/goqat/goqat/internal/term"
	"github.com/goqat/goqat/pipeline"
)

// program has the verbs echo, which wants one or two arguments, and fail, which returns err.
func program(err error) *cobra.Command {
	echo := &cobra.Command{Use: "echo", Args: command.Arguments(1, 2, "a word"), RunE: func(c *cobra.Command, args []string) error {
		return command.Result(c, args, func(p *term.Page) { p.Printf("%s\n", args[0]) })
	}}
	command.AddJSON(echo)
	none := &cobra.Command{Use: "none", Args: command.Arguments(0, 0, ""), RunE: func(*cobra.Command, []string) error { return err }}
	root := &cobra.Command{Use: "tool", SilenceErrors: true, SilenceUsage: true}
	command.Group(root, echo, none)
	return root
}

func TestExecute(t *testing.T) {
	stopped, stop := context.WithCancel(t.Context())
	stop()
	ended := 0
	for _, c := range []struct {
		args string
		err  error
		ctx  context.Context
		code int
		out  string
		log  string
	}{
		{"echo a", nil, t.Context(), command.Done, "a\n", ""},
		{"echo a --json", nil, t.Context(), command.Done, "[\n \"a\"\n]\n", ""},
		{"echo", nil, t.Context(), command.Usage, "", "tool: name a word (see tool echo --help)\n"},
		{"echo a b c", nil, t.Context(), command.Usage, "", "tool: a b c is too much: name a word (see tool echo --help)\n"},
		{"none a", nil, t.Context(), command.Usage, "", "tool: a is too much: there are no arguments (see tool none --help)\n"},
		{"ehco a", nil, t.Context(), command.Usage, "", "tool: there is no \"ehco\", did you mean \"echo\"? (see tool --help)\n"},
		{"ehco --json", nil, t.Context(), command.Usage, "", "tool: there is no \"ehco\", did you mean \"echo\"? (see tool --help)\n"},
		{"x", nil, t.Context(), command.Usage, "", "tool: there is no \"x\", only completion, echo, none (see tool --help)\n"},
		{"none", errors.New("tool: a\nb\x1b"), t.Context(), command.Failed, "", "tool: a b\\x1b\n"},
		{"none", fmt.Errorf("while reading: %w", context.Canceled), stopped, command.Interrupted, "", "tool: interrupted\n"},
		{"none", errors.New("disk full"), stopped, command.Failed, "", "tool: disk full\n"},
		{"none", &command.JobError{Err: errors.New("disk full"), End: func() { ended++ }}, t.Context(), command.Failed, "", "tool: disk full\n"},
		{"none", &command.JobError{Err: &pipeline.Interrupted{Folder: "a"}, Reported: true, End: func() { ended++ }}, t.Context(), command.Interrupted, "", ""},
	} {
		var out, log bytes.Buffer
		code := command.Execute(c.ctx, program(c.err), strings.Fields(c.args), nil, &out, &log)
		if code != c.code || out.String() != c.out || log.String() != c.log {
			t.Errorf("%s: exit %d, %q, %q", c.args, code, out.String(), log.String())
		}
	}
	if ended != 2 {
		t.Errorf("%d jobs ended, want 2", ended)
	}
}

// TestUnwantedValues: the value of a flag is refused in the words of its user, not of the function that reads it.
func TestUnwantedValues(t *testing.T) {
	for args, want := range map[string]string{
		"--epochs 1e9":                       "--epochs 1e9: want a whole number, in digits",
		"--epochs 1.5":                       "--epochs 1.5: want a whole number, in digits",
		"--epochs=":                          "--epochs is empty; give it a value or leave it out",
		"--bits=":                            "--bits is empty; give it a value or leave it out",
		"--epochs 010":                       "--epochs 010: want a whole number, in digits, without a 0 before them",
		"--epochs -0":                        "--epochs -0: want a whole number, in digits, without a 0 before them",
		"--work 0x10":                        "--work 0x10: want a whole number, in digits",
		"--work 1_0":                         "--work 1_0: want a whole number, in digits",
		"--bits 4,08":                        "--bits 4,08: \"08\" is no whole number",
		"--work 9" + strings.Repeat("0", 20): "--work 9" + strings.Repeat("0", 20) + ": want a whole number nearer to 0, in digits",
		"--rate fast":                        "--rate fast: want a number",
		"--rate 1e999":                       "--rate 1e999: want a number nearer to 0",
		"--json=maybe":                       "--json maybe: want true or false",
		"--time 3":                           "--time 3: want a time with its unit, as in 2s or 500ms",
		"--bits 4,half":                      "--bits 4,half: \"half\" is no whole number",
		"-n x":                               "--number x: want a whole number, in digits",
		"--number":                           "flag needs an argument: --number",
	} {
		root := program(nil)
		for _, verb := range root.Commands() {
			f := verb.Flags()
			f.Int("epochs", 0, "")
			f.Int64("work", 0, "")
			f.Float64("rate", 0, "")
			f.Duration("time", 0, "")
			f.IntP("number", "n", 0, "")
			command.List(verb, new([]int), "bits", nil, "", command.Whole)
		}
		var log bytes.Buffer
		code := command.Execute(t.Context(), root, append([]string{"echo"}, strings.Fields(args)...), nil, io.Discard, &log)
		if want = "tool: " + want + " (see tool echo --help)\n"; code != command.Usage || log.String() != want {
			t.Errorf("%s: exit %d, %q, want %q", args, code, log.String(), want)
		}
	}
}

// The advice of a package gets the flag that does it, of a verb that has it; a run that can be resumed the command.
func TestAdvice(t *testing.T) {
	for want, err := range map[string]error{
		"tool: photos: 1 file cannot be read, or leave out what cannot be read (--skip-broken)\n":                    fmt.Errorf("photos: 1 file cannot be read, %w", datasets.ErrBroken),
		"tool: no images, or leave out what cannot be read (--skip-broken) (see none --help)\n":                      command.Wrong(&cobra.Command{Use: "none"}, "no images, %w", datasets.ErrBroken),
		"tool: more than 3; raise the limit if you trust the model\n":                                                fmt.Errorf("more than 3; %w", infer.ErrWork),
		"tool: classes, or begin its last layer anew by transfer.head=new\n":                                         fmt.Errorf("classes, %w", pipeline.ErrOtherClasses),
		"tool: open x: file does not exist; name one that is there\n":                                                &fs.PathError{Op: "open", Path: "x", Err: fs.ErrNotExist},
		"tool: open x: file does not exist, or do without; name x\n":                                                 fmt.Errorf("%w, or do without; name x", &fs.PathError{Op: "open", Path: "x", Err: fs.ErrNotExist}),
		"tool: run folder: mkdir x: permission denied; name another, or allow it\n":                                  fmt.Errorf("run folder: %w", &fs.PathError{Op: "mkdir", Path: "x", Err: fs.ErrPermission}),
		"tool: full: tool train --resume 'my runs/a'\n":                                                              fmt.Errorf("%w", &pipeline.ResumableError{Folder: "my runs/a", Err: errors.New("full")}),
		"tool: pipeline: interrupted; everything is saved in a, and the run can be resumed: tool train --resume a\n": &pipeline.Interrupted{Folder: "a"},
	} {
		var log bytes.Buffer
		root := program(err)
		for _, verb := range root.Commands() {
			verb.Flags().Bool("skip-broken", false, "")
		}
		if command.Execute(t.Context(), root, []string{"none"}, nil, io.Discard, &log); log.String() != want {
			t.Errorf("%q, want %q", log.String(), want)
		}
	}
}

// Checks come before the verb, the last added first.
func TestCheck(t *testing.T) {
	var order []string
	c := &cobra.Command{Use: "tool", RunE: func(*cobra.Command, []string) error { order = append(order, "run"); return nil }}
	fail := error(nil)
	command.Check(c, func() error { order = append(order, "first"); return nil })
	command.Check(c, func() error { order = append(order, "second"); return fail })
	c.SetArgs(nil)
	if err := c.Execute(); err != nil || strings.Join(order, " ") != "second first run" {
		t.Errorf("%v, %v", order, err)
	}
	order, fail = nil, errors.New("wrong")
	c.SilenceErrors, c.SilenceUsage = true, true
	if err := c.Execute(); err != fail || strings.Join(order, " ") != "second" {
		t.Errorf("%v, %v", order, err)
	}
}
