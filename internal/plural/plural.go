// SPDX-License-Identifier: Apache-2.0

// Package plural says how many of a thing there are.
package plural

import "fmt"

// Of is a number of things whose plural ends in s, as in "1 epoch" and "2 epochs".
func Of(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
