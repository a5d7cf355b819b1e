// SPDX-License-Identifier: Apache-2.0

// Package plural says how many of a thing there are.
package plural

import (
	"fmt"
	"strings"
)

// Of is a number of things whose plural ends in s, as in "1 epoch", "2 epochs" and "2 classes".
func Of(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	if strings.HasSuffix(thing, "s") {
		thing += "e"
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// Do is a sentence of what a number of things do, as in "1 integer differs" and "2 integers differ".
func Do(n int, thing, verb string) string {
	if n == 1 {
		verb += "s"
	}
	return Of(n, thing) + " " + verb
}
