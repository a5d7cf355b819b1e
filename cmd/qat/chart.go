// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/goqat/goqat/internal/atomicfile"
)

// addChart adds the flag --chart to a command.
func addChart(c *cobra.Command, path *string, what string) {
	c.Flags().StringVar(path, "chart", "", "write a picture of "+what+" to an SVG `file`")
}

// writeOutput writes a file, if one is named.
func writeOutput(path string, write func(io.Writer) error) error {
	if path == "" {
		return nil
	}
	return atomicfile.Write(path, func(f *os.File) error { return write(f) })
}
