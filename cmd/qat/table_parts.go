// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/spf13/cobra"

	"github.com/goqat/goqat/evaluate"
	"github.com/goqat/goqat/internal/command"
	"github.com/goqat/goqat/internal/term"
)

// showParts shows the evaluation that files have the parts of.
func showParts(c *cobra.Command, files []string) error {
	for _, name := range []string{"rows", "chart", "csv"} {
		if c.Flags().Changed(name) {
			return command.Wrong(c, "--%s is for a folder of run folders, leave it out", name)
		}
	}
	e, err := evaluate.ReadParts(files)
	if err != nil {
		return err
	}
	return command.Result(c, e, func(p *term.Page) { printEvaluation(p, e) })
}
