// SPDX-License-Identifier: Apache-2.0

package command

import (
	"fmt"

	"github.com/spf13/cobra"
)

// Unbounded is a greatest value that is none.
const Unbounded = 0

// Within checks that the whole number of a flag is from least to most, which may be Unbounded; or 0, if zero says what 0
// stands for, as in "for all".
func Within[T int | int64](c *cobra.Command, value *T, name string, least, most T, zero string) {
	want := fmt.Sprintf("%d to %d", least, most)
	if most == Unbounded {
		want = fmt.Sprintf("%d or more", least)
	}
	if zero != "" {
		want += ", or 0 " + zero
	}
	Check(c, func() error {
		if *value >= least && (most == Unbounded || *value <= most) || zero != "" && *value == 0 {
			return nil
		}
		return Wrong(c, "--%s %d: want %s", name, *value, want)
	})
}

// Images adds a flag that says how many images, 0 for all; usage says for what.
func Images(c *cobra.Command, images *int, name string, standard int, usage string) {
	c.Flags().IntVar(images, name, standard, usage+", 0 for all")
	Within(c, images, name, 1, Unbounded, "for all")
}
