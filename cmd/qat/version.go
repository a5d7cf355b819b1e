// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/spf13/cobra"

	"github.com/goqat/goqat/internal/command"
	"github.com/goqat/goqat/internal/term"
	"github.com/goqat/goqat/internal/version"
)

func versionCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "version",
		Short: "Show version, commit, Go and the features of the processor in use",
		Example: `  qat version
  qat version --json`,
		Args: command.Arguments(0, 0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			v := version.Ask()
			return command.Result(c, v, func(p *term.Page) { p.Printf("%s", term.Lines(v.String())) })
		},
	}
	command.AddJSON(c)
	return c
}
