// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/internal/command"
	"github.com/goqat/goqat/internal/term"
)

func dataClearCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "clear",
		Short: "Remove the decoded images from the user's cache",
		Long: `Remove the files of decoded images from the user's cache, which qat data list
shows. The next training with a folder of many images decodes them again.
Downloaded data sets stay.`,
		Example: `  qat data clear`,
		Args:    command.Arguments(0, 0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			removed, err := datasets.ClearCachedImages()
			if err != nil {
				return err
			}
			return command.Result(c, removed, func(p *term.Page) {
				if len(removed) == 0 {
					p.Printf("there are no decoded images in the cache\n")
					return
				}
				printCached(p, removed)
			})
		},
	}
	command.AddJSON(c)
	return c
}

// printCached writes a table of files of decoded images, if there are any.
func printCached(p *term.Page, files []datasets.Cached) {
	if len(files) == 0 {
		return
	}
	rows := make([][]string, len(files))
	for i, f := range files {
		source := f.Source
		if source == "" {
			source = "- (not finished, or damaged)"
		}
		rows[i] = []string{f.Path, term.Bytes(f.Bytes), fmt.Sprint(f.Images), source}
	}
	p.Table([]string{"decoded images", "size", "images", "of"}, rows)
}
