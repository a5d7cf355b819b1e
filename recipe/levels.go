// SPDX-License-Identifier: Apache-2.0

package recipe

import (
	"strconv"

	"go.yaml.in/yaml/v3"
)

// Levels are numbers of the channels of images: one for all, a list of one for each,
// or, as "auto", what the training images have, channel by channel. A training writes
// what it found in their place.
type Levels struct {
	Auto   bool
	Values []float64
}

// read takes levels from a file.
func (l *Levels) read(node *yaml.Node) (want string) {
	want = "a number, a list of one for each channel, or auto"
	nodes := []*yaml.Node{node}
	switch {
	case node.Kind == yaml.ScalarNode && node.Value == "auto":
		*l = Levels{Auto: true}
		return ""
	case node.Kind == yaml.SequenceNode && len(node.Content) > 0:
		nodes = node.Content
	}
	var values []float64
	for _, n := range nodes {
		v, ok := number(n)
		if !ok {
			return want
		}
		values = append(values, v)
	}
	*l = Levels{Values: values}
	return ""
}

// MarshalYAML writes the shortest form that reads back to the same numbers.
func (l Levels) MarshalYAML() (any, error) {
	if l.Auto {
		return "auto", nil
	}
	list := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
	for _, v := range l.Values {
		list.Content = append(list.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!float", Value: strconv.FormatFloat(v, 'g', -1, 64)})
	}
	if len(l.Values) == 1 {
		return list.Content[0], nil
	}
	return list, nil
}

// IsZero says whether nothing is said, so that it is left out of a file.
func (l Levels) IsZero() bool { return !l.Auto && l.Values == nil }
