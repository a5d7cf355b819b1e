// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/goqat/goqat/internal/command"
	"github.com/goqat/goqat/internal/term"
	"github.com/goqat/goqat/table"
)

func tableCommand() *cobra.Command {
	var rows, chart, csv string
	c := &cobra.Command{
		Use:   "table RUNS | PART.json...",
		Short: "Make a table of the trainings in a folder of run folders, or of the parts of an evaluation",
		Long: `Make a table, as Markdown, of the trainings that are done in a folder of run
folders. Run folders whose names differ in the seed at the end alone, such as int-8-1
and int-8-2, are a row: the mean of their accuracies on the test images, their least
and greatest, and after ± the standard error of the mean, which of one seed is that
of the number of test images. So are those that qat sweep makes. A row called float,
of run folders such as float-1, is what the column below float compares the others with.

With --rows the table has the rows of a file, in their order, with their recipes and
flags: one a line, its name, its seeds, its recipe and flags of qat train. Rows whose
names begin with base are left out.

Of the files that qat eval --part wrote of all parts of a data set it makes the
evaluation of the whole.`,
		Example: `  qat table runs
  qat table runs/mnist --rows examples/recipes/tables/mnist --chart mnist.svg
  qat table runs/grid --csv grid.csv
  qat table eval-*.json`,
		Args: command.Arguments(1, -1, "a folder of run folders, or the parts of an evaluation"),
		RunE: func(c *cobra.Command, args []string) error {
			if info, err := os.Stat(args[0]); len(args) > 1 || err == nil && info.Mode().IsRegular() {
				return showParts(c, args)
			}
			if err := command.Outputs(c, []string{rows}, command.Named(chart, ".svg"), command.Named(csv, ".csv")); err != nil {
				return err
			}
			var list []table.Row
			if rows != "" {
				var err error
				if list, err = table.ReadList(rows); err != nil {
					return err
				}
			}
			lines, err := table.Read(args[0], list)
			if err != nil {
				return err
			}
			if err := writeOutput(chart, func(w io.Writer) error { return table.Chart(w, lines) }); err != nil {
				return err
			}
			if err := writeOutput(csv, func(w io.Writer) error { return table.CSV(w, lines) }); err != nil {
				return err
			}
			if command.AsJSON(c) {
				return term.JSON(c.OutOrStdout(), lines)
			}
			if !slices.ContainsFunc(lines, func(l table.Line) bool { return l.Name == table.Float }) {
				fmt.Fprintf(c.ErrOrStderr(), "note: no row is called %s, to say how far others are below it; a run folder %s makes one\n", table.Float, table.Folder(table.Float, 1))
			}
			for i := range lines {
				lines[i].Name, lines[i].What = term.Plain(lines[i].Name), term.Plain(lines[i].What)
			}
			return table.Markdown(c.OutOrStdout(), lines)
		},
	}
	c.Flags().StringVar(&rows, "rows", "", "`file` of the rows of the table")
	addChart(c, &chart, "accuracy over the bytes of the models")
	c.Flags().StringVar(&csv, "csv", "", "write the table with all its numbers to a CSV `file`, too")
	command.AddJSON(c)
	return c
}
