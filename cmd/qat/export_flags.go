// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"

	"github.com/spf13/cobra"

	"github.com/goqat/goqat/export/formats"
	"github.com/goqat/goqat/internal/command"
)

// unreadBy refuses flags that the format does not read.
func unreadBy(c *cobra.Command, f formats.Format) error {
	why := "is not for --format " + f.Name
	unread := []string{"packing"}
	if !f.Reads.Pack {
		unread = append(unread, "pack")
	}
	if !f.Reads.Bias {
		unread = append(unread, "bias")
	}
	if !f.Reads.Images {
		unread = append(unread, imagesFlags...)
	} else if !c.Flags().Changed("data") {
		return cmp.Or(command.Unread(c, why, unread...), command.Unread(c, "goes with --data", imagesFlags...))
	}
	return command.Unread(c, why, unread...)
}
