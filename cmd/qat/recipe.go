// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/goqat/goqat/internal/command"
	"github.com/goqat/goqat/internal/term"
	"github.com/goqat/goqat/recipe"
)

func recipeCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "recipe [KEY]...",
		Short: "Explain the keys of a recipe",
		Long: `Print every key of a recipe with its default, those of the quick start, and what
it means; with arguments, the keys that have one of them in their names.`,
		Example: `  qat recipe
  qat recipe augment
  qat recipe float.lr`,
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			var keys []recipe.Key
			for _, k := range recipe.Keys() {
				if wanted(k, args) {
					keys = append(keys, k)
				}
			}
			if len(keys) == 0 {
				return command.Wrong(c, "no key of a recipe has %s in its name; qat recipe shows all", strings.Join(args, " or "))
			}
			return command.Result(c, keys, func(p *term.Page) { printKeys(p, keys) })
		},
	}
	command.AddJSON(c)
	return c
}

// wanted says whether a key is asked for.
func wanted(k recipe.Key, words []string) bool {
	for _, w := range words {
		if strings.Contains(k.Path, w) {
			return true
		}
	}
	return len(words) == 0
}

// printKeys writes a key and its default a line, and what it means below.
func printKeys(p *term.Page, keys []recipe.Key) {
	for _, k := range keys {
		head := k.Path
		if !k.Group && k.Default != "" {
			head += ": " + k.Default
		}
		p.Printf("%s\n%s", head, term.Lines(wrapped(k.Comment)))
	}
}

// wrapped breaks a text into indented lines of at most 88 letters.
func wrapped(text string) string {
	const width = 88
	var b strings.Builder
	line := "   "
	for _, word := range strings.Fields(text) {
		if len(line)+len(word) >= width {
			fmt.Fprintln(&b, line)
			line = "   "
		}
		line += " " + word
	}
	if strings.TrimSpace(line) != "" {
		fmt.Fprintln(&b, line)
	}
	return b.String()
}
