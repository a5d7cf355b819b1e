// SPDX-License-Identifier: Apache-2.0

package command_test

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/goqat/goqat/internal/command"
)

// TestValues has flags of closed sets and of ranges: what is not in them is wrong usage, before the verb runs.
func TestValues(t *testing.T) {
	type size string
	for args, want := range map[string]string{
		"":                           "",
		"--size small --ends=--left": "",
		"--size medium":              "--size medium: want small, big or huge",
		"--only two":                 "--only two: want one",
		"--ends middle":              "--ends middle: want --left or --right",
		"--top 1 --images 0":         "",
		"--top 0":                    "--top 0: want 1 to 9",
		"--top 10":                   "--top 10: want 1 to 9",
		"--work 0":                   "--work 0: want 1 or more",
		"--images -1":                "--images -1: want 1 or more, or 0 for all",
	} {
		root := program(nil)
		for _, verb := range root.Commands() {
			command.OneOf(verb, new(size), "size", "", "", "small", "big", "huge")
			command.OneOf(verb, new(string), "only", "", "", "one")
			command.OneOf(verb, new(string), "ends", "", "", "--left", "--right")
			top, work := verb.Flags().Int("top", 3, ""), verb.Flags().Int64("work", 1, "")
			command.Within(verb, top, "top", 1, 9, "")
			command.Within(verb, work, "work", 1, command.Unbounded, "")
			command.Images(verb, new(int), "images", 5, "to take")
		}
		code, log := command.Done, ""
		if want != "" {
			code, log = command.Usage, "tool: "+want+" (see tool echo --help)\n"
		}
		var said bytes.Buffer
		if got := command.Execute(t.Context(), root, append([]string{"echo", "word"}, strings.Fields(args)...), nil, io.Discard, &said); got != code || said.String() != log {
			t.Errorf("%s: exit %d, %q, want %d, %q", args, got, said.String(), code, log)
		}
	}
}
