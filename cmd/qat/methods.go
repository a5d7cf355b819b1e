// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/spf13/cobra"

	"github.com/goqat/goqat/describe"
	"github.com/goqat/goqat/internal/command"
	"github.com/goqat/goqat/internal/term"
)

func methodsCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "methods",
		Short: "List the quantization methods",
		Long: `List the quantization methods: name, bits of weights and activations, whether the
trained network runs on integers, what the method is for, and its paper. To begin
with, take int for 8 bits, pact for 4, and lsq for 2 and 3.`,
		Example: `  qat methods
  qat methods --json`,
		Args: command.Arguments(0, 0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			list := describe.Methods()
			return command.Result(c, list, func(p *term.Page) {
				var rows [][]string
				for _, m := range list {
					runs := "no"
					if m.Integers {
						runs = "yes"
					}
					rows = append(rows, []string{m.Name, describe.Widths(m.WeightBits), describe.Widths(m.ActivationBits), runs, m.For, m.Paper})
				}
				p.Table([]string{"method", "weight bits", "activation bits", "integers", "for", "paper"}, rows)
			})
		},
	}
	command.AddJSON(c)
	return c
}
