// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/goqat/goqat/internal/term"
	"github.com/goqat/goqat/qat"
)

// methodInfo is a method as `qat methods --json` describes it.
type methodInfo struct {
	Name           string `json:"name"`
	Paper          string `json:"paper"`
	WeightBits     []int  `json:"weight_bits"`
	ActivationBits []int  `json:"activation_bits"`
	Trains         bool   `json:"trains"`   // has quantization-aware training
	Integers       bool   `json:"integers"` // exports to the integer runtime
}

func methodsCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "methods",
		Short: "List the quantization methods",
		Long:  "List the quantization methods: name, paper, bits of weights and activations, and whether the trained network runs on integers.",
		Example: `  qat methods
  qat methods --json`,
		Args: arguments(0, 0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			var list []methodInfo
			for _, m := range qat.Methods() {
				i := m.Info()
				list = append(list, methodInfo{i.Name, i.Paper, i.WeightBits, i.ActivationBits, true, i.Integers})
			}
			if asJSON {
				return printJSON(c.OutOrStdout(), list)
			}
			var rows [][]string
			for _, m := range list {
				runs := "no"
				if m.Integers {
					runs = "yes"
				}
				rows = append(rows, []string{m.Name, widths(m.WeightBits), widths(m.ActivationBits), runs, m.Paper})
			}
			return term.Table(c.OutOrStdout(), []string{"method", "weight bits", "activation bits", "integers", "paper"}, rows)
		},
	}
	addJSON(c, &asJSON)
	return c
}

// widths writes rising bit widths, runs of them as "2-8".
func widths(bits []int) string {
	var parts []string
	for i := 0; i < len(bits); {
		j := i
		for j+1 < len(bits) && bits[j+1] == bits[j]+1 {
			j++
		}
		switch {
		case j > i+1:
			parts = append(parts, fmt.Sprintf("%d-%d", bits[i], bits[j]))
		default:
			j = i
			parts = append(parts, fmt.Sprint(bits[i]))
		}
		i = j + 1
	}
	return strings.Join(parts, ", ")
}
