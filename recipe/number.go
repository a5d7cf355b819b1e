// SPDX-License-Identifier: Apache-2.0

package recipe

import (
	"math"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// whole returns the whole number that a value is, written as people write it: YAML takes 010 for eight, 0x10 for sixteen
// and 1_0 for ten.
func whole(node *yaml.Node) (n int, ok bool) {
	n, err := strconv.Atoi(node.Value)
	return n, node.Kind == yaml.ScalarNode && node.ShortTag() == "!!int" && err == nil && strconv.Itoa(n) == node.Value
}

// number returns the finite number that a value is, in decimal digits.
func number(node *yaml.Node) (v float64, ok bool) {
	tag := node.ShortTag()
	v, err := strconv.ParseFloat(node.Value, 64)
	if strings.ContainsAny(node.Value, "_xX") { // Go reads them as YAML does
		return 0, false
	}
	return v, node.Kind == yaml.ScalarNode && (tag == "!!int" || tag == "!!float") && err == nil && !math.IsNaN(v) && !math.IsInf(v, 0)
}
