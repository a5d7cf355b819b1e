// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/goqat/goqat/internal/command"
	"github.com/goqat/goqat/internal/term"
	"github.com/goqat/goqat/pipeline"
	"github.com/goqat/goqat/recipe"
)

// choice returns what has what neither the recipe, which gives some keys, nor a flag says chosen.
func choice(c *cobra.Command, given, set []string) *pipeline.Choice {
	choice := &pipeline.Choice{Given: given}
	for _, f := range recipeFlags {
		if c.Flags().Changed(f.name) {
			choice.Given = append(choice.Given, f.path)
		}
	}
	for _, s := range set {
		path, _, _ := strings.Cut(s, "=")
		choice.Given = append(choice.Given, path)
	}
	return choice
}

// planned refuses --time and --lr-find where they cannot be meant.
func planned(c *cobra.Command, resume string, duration time.Duration) error {
	changed := c.Flags().Changed
	switch {
	case changed("time") && resume != "":
		return command.Wrong(c, "--time sets the epochs of a new run; one that is resumed has them in its config.yaml")
	case changed("lr-find") && resume != "":
		return command.Wrong(c, "--lr-find tries rates for a new run; leave --resume out")
	case changed("time") && (changed("epochs") || changed("float-epochs")):
		return command.Wrong(c, "--time sets the epochs, leave --epochs and --float-epochs out; their proportion is that of the recipe")
	case changed("time") && changed("lr-find"):
		return command.Wrong(c, "--lr-find trains nothing, leave --time out")
	case changed("lr-find") && changed("out"):
		return command.Wrong(c, "--lr-find trains nothing and writes no run folder, leave --out out")
	case changed("time") && duration < time.Second:
		return command.Wrong(c, "--time %v: want a second at least", duration)
	}
	return nil
}

// printRates tries learning rates and writes what was found.
func printRates(c *cobra.Command, r *recipe.Recipe, o pipeline.Options, screen *term.Screen) error {
	test, err := pipeline.FindRate(c.Context(), r, o)
	screen.Stop()
	if err != nil {
		return err
	}
	return command.Result(c, test, func(p *term.Page) {
		const shown = 5 // steps a row
		var rows [][]string
		for i := 0; i < len(test.Steps); i += shown {
			rows = append(rows, []string{fmt.Sprintf("%.2g", test.Steps[i].Rate), fmt.Sprintf("%.4f", test.Steps[i].Loss)})
		}
		p.Table([]string{"learning rate", "loss"}, rows)
		p.Printf("\nsuggested: --set %s.lr=%.2g, a tenth of where the loss was least\n", test.Phase, test.Suggested)
	})
}
