// SPDX-License-Identifier: Apache-2.0

package recipe

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A Length is a number of pixels, written as n, or a share of an image's shorter side,
// written as "n%".
type Length struct {
	Pixels  int
	Percent float64
}

// Of returns the length in pixels for images of the given size, of a share at least one;
// a side of one pixel is not counted, as that of signals.
func (l Length) Of(height, width int) int {
	side := min(height, width)
	if side == 1 {
		side = max(height, width)
	}
	if l.Percent == 0 {
		return l.Pixels
	}
	return max(1, int(math.Round(l.Percent*float64(side)/100)))
}

// read takes a length from a file.
func (l *Length) read(node *yaml.Node) (want string) {
	const form = "a whole number of pixels, or a share of the shorter side as in 4%"
	if node.Kind != yaml.ScalarNode {
		return form
	}
	if percent, ok := strings.CutSuffix(node.Value, "%"); ok {
		v, err := strconv.ParseFloat(strings.TrimSpace(percent), 64)
		if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
			return form
		}
		*l = Length{Percent: v}
		return ""
	}
	n, ok := whole(node)
	if !ok {
		return form
	}
	*l = Length{Pixels: n}
	return ""
}

// MarshalYAML writes what read takes.
func (l Length) MarshalYAML() (any, error) {
	if l.Percent != 0 {
		return l.String(), nil
	}
	return l.Pixels, nil
}

// String is the length as in a file.
func (l Length) String() string {
	if l.Percent != 0 {
		return fmt.Sprintf("%v%%", l.Percent)
	}
	return strconv.Itoa(l.Pixels)
}
