// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/internal/command"
	"github.com/goqat/goqat/internal/term"
)

func dataCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "data",
		Short: "List and download data sets, and clear the cache of images",
		Example: `  qat data list
  qat data fetch fashion-mnist`,
	}
	command.Group(c, dataListCommand(), dataFetchCommand(), dataClearCommand())
	return c
}

func dataListCommand() *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use:   "list",
		Short: "List the named data sets, where each was found, and the cache of images",
		Long: `List the named data sets and where each was found: in --data-dir, $GOQAT_DATA,
the user's cache, or the system's data. --json has their classes, too. Beside
these names, every verb takes the path of a folder with one sub-folder of images
per class, or of an archive of one. Decoded images that take much memory are kept
in files of the user's cache, listed as well; qat data clear removes them.`,
		Example: `  qat data list
  qat data list --data-dir ~/datasets`,
		Args: command.Arguments(0, 0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			list := datasets.List(dir)
			cached, err := datasets.CachedImages()
			if err != nil {
				return err
			}
			return command.Result(c, list, func(p *term.Page) {
				var rows [][]string
				for _, d := range list {
					found := d.Found
					if found == "" {
						found = fmt.Sprintf("- (%s to fetch)", term.Bytes(d.Download))
					}
					size := datasets.Shape{Height: d.Shape[0], Width: d.Shape[1], Channels: d.Shape[2]}
					rows = append(rows, []string{d.Name, size.String(), fmt.Sprint(d.Train), fmt.Sprint(d.Test), found})
				}
				p.Table([]string{"name", "size", "train", "test", "found"}, rows)
				printCached(p, cached)
			})
		},
	}
	command.AddJSON(c)
	c.Flags().StringVar(&dir, "data-dir", "", "folder to look in first")
	return c
}

func dataFetchCommand() *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use:   "fetch NAME",
		Short: "Download a data set into the user's cache and check its SHA-256",
		Long: `Download a data set into the user's cache, or to --data-dir, and check its
SHA-256. An interrupted download goes on where it stopped. Prints the folder.`,
		Example: `  qat data fetch mnist
  qat data fetch cifar10 --data-dir ~/datasets`,
		Args: command.Arguments(1, 1, "a data set of qat data list"),
		RunE: func(c *cobra.Command, args []string) error {
			screen := command.Screen(c)
			o := datasets.FetchOptions{Dir: dir, Progress: func(done, total int64) { screen.Download(args[0], done, total) }}
			folder, err := datasets.Fetch(c.Context(), args[0], o)
			screen.Stop()
			if err != nil {
				return err
			}
			return command.Result(c, folder, func(p *term.Page) { p.Printf("%s\n", folder) })
		},
	}
	c.Flags().StringVar(&dir, "data-dir", "", "folder to download to, instead of the user's cache")
	return c
}
