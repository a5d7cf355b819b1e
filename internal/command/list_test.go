// SPDX-License-Identifier: Apache-2.0

package command_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/goqat/goqat/internal/command"
)

func TestList(t *testing.T) {
	for _, c := range []struct {
		args  []string
		bits  []int
		mean  []float64
		names []string
		err   string
	}{
		{nil, []int{8, 4}, nil, nil, ""},
		{[]string{"--bits", "3"}, []int{3}, nil, nil, ""},
		{[]string{"--mean", "0.485, 0.456,0.406 ", "--bits=2 ,3"}, []int{2, 3}, []float64{0.485, 0.456, 0.406}, nil, ""},
		{[]string{"--names", "a, b c", "--names", "d"}, []int{8, 4}, nil, []string{"a", "b c", "d"}, ""},
		{[]string{"--bits", "8,x"}, []int{8, 4}, nil, nil, `invalid argument "8,x" for "--bits" flag: "x" is no whole number`},
		{[]string{"--bits", ""}, []int{8, 4}, nil, nil, `invalid argument "" for "--bits" flag: "" is no whole number`},
		{[]string{"--mean", "0,5;1"}, []int{8, 4}, nil, nil, `invalid argument "0,5;1" for "--mean" flag: "5;1" is no number`},
		{[]string{"--names", "a,,b"}, []int{8, 4}, nil, nil, `invalid argument "a,,b" for "--names" flag: nothing stands there, or beside a comma`},
	} {
		var bits []int
		var mean []float64
		var names []string
		tool := &cobra.Command{Use: "tool", SilenceErrors: true, SilenceUsage: true, RunE: func(*cobra.Command, []string) error { return nil }}
		command.List(tool, &bits, "bits", []int{8, 4}, "`widths` to measure", command.Whole)
		command.List(tool, &mean, "mean", nil, "`numbers` of the pixels", command.Number)
		command.List(tool, &names, "names", nil, "`names`", command.Word)
		if usage := tool.Flags().FlagUsages(); !strings.Contains(usage, "--bits widths    widths to measure (default 8,4)\n") || strings.Contains(usage, "[]") {
			t.Error(usage)
		}
		tool.SetArgs(append([]string{}, c.args...))
		err := tool.Execute()
		if (err == nil) != (c.err == "") || err != nil && err.Error() != c.err {
			t.Errorf("%q: %v", c.args, err)
		}
		if !slices.Equal(bits, c.bits) || !slices.Equal(mean, c.mean) || !slices.Equal(names, c.names) {
			t.Errorf("%q: %v, %v, %q", c.args, bits, mean, names)
		}
	}
}
