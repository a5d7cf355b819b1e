// SPDX-License-Identifier: Apache-2.0

package command

import "github.com/spf13/cobra"

// Images adds the flag that takes so many images, 0 for all; usage says for what.
func Images(c *cobra.Command, images *int, usage string) {
	c.Flags().IntVar(images, "images", 0, usage+", 0 for all")
	Check(c, func() error {
		if *images < 0 {
			return Wrong(c, "--images %d: want 1 or more, or 0 for all", *images)
		}
		return nil
	})
}
