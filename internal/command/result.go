// SPDX-License-Identifier: Apache-2.0

package command

import (
	"github.com/spf13/cobra"

	"github.com/goqat/goqat/internal/term"
)

// AddJSON adds the flag --json, which Result heeds.
func AddJSON(c *cobra.Command) { c.Flags().Bool("json", false, "print one JSON document") }

// AsJSON says whether the result is to be one JSON document.
func AsJSON(c *cobra.Command) bool {
	on, err := c.Flags().GetBool("json")
	return err == nil && on
}

// Result writes what a verb found to standard output: as a JSON document, or for people
// as show does.
func Result(c *cobra.Command, v any, show func(p *term.Page)) error {
	if AsJSON(c) {
		return term.JSON(c.OutOrStdout(), v)
	}
	p := term.NewPage(c.OutOrStdout())
	show(p)
	return p.Err()
}

// Screen returns what shows progress on standard error.
func Screen(c *cobra.Command) *term.Screen { return term.NewScreen(c.ErrOrStderr()) }

// Check adds a check of flags that comes before the verb runs.
func Check(c *cobra.Command, wrong func() error) {
	before := c.PreRunE
	c.PreRunE = func(c *cobra.Command, args []string) error {
		if err := wrong(); err != nil || before == nil {
			return err
		}
		return before(c, args)
	}
}
