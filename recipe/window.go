// SPDX-License-Identifier: Apache-2.0

package recipe

import (
	"strconv"

	"go.yaml.in/yaml/v3"
)

// A Pair is a height and a width, written as n for both or as [height, width].
type Pair [2]int

// read takes a pair from a file.
func (p *Pair) read(node *yaml.Node) (want string) {
	numbers, ok := wholes(node)
	switch {
	case ok && len(numbers) == 1 && node.Kind == yaml.ScalarNode:
		*p = Pair{numbers[0], numbers[0]}
	case ok && len(numbers) == 2:
		*p = Pair(numbers)
	default:
		return "a whole number or [height, width]"
	}
	return ""
}

// MarshalYAML writes the shortest form.
func (p Pair) MarshalYAML() (any, error) {
	if p[0] == p[1] {
		return p[0], nil
	}
	return flow(p[:]), nil
}

// A Pad is what surrounds an image: rows and columns at the top, on the left, at the
// bottom and on the right, written as n for all, as [height, width] for both sides of
// each or as [top, left, bottom, right]; or, as "same", what makes the output as
// large as the image divided by the stride, as TensorFlow pads.
type Pad struct {
	Same  bool
	Sides [4]int
}

// read takes a padding from a file.
func (p *Pad) read(node *yaml.Node) (want string) {
	if node.Kind == yaml.ScalarNode && node.Value == "same" {
		*p = Pad{Same: true}
		return ""
	}
	numbers, ok := wholes(node)
	switch {
	case ok && len(numbers) == 1 && node.Kind == yaml.ScalarNode:
		*p = AllSides(numbers[0])
	case ok && len(numbers) == 2:
		*p = Pad{Sides: [4]int{numbers[0], numbers[1], numbers[0], numbers[1]}}
	case ok && len(numbers) == 4:
		*p = Pad{Sides: [4]int(numbers)}
	default:
		return "a whole number, [height, width], [top, left, bottom, right] or same"
	}
	return ""
}

// MarshalYAML writes the shortest form.
func (p Pad) MarshalYAML() (any, error) {
	top, left, bottom, right := p.Sides[0], p.Sides[1], p.Sides[2], p.Sides[3]
	switch {
	case p.Same:
		return "same", nil
	case p == AllSides(top):
		return top, nil
	case top == bottom && left == right:
		return flow(p.Sides[:2]), nil
	}
	return flow(p.Sides[:]), nil
}

// AllSides returns the padding n on every side.
func AllSides(n int) Pad { return Pad{Sides: [4]int{n, n, n, n}} }

// IsZero says whether there is no padding, so that it is left out of a file.
func (p Pad) IsZero() bool { return p == Pad{} }

// IsZero says whether nothing is said, so that it is left out of a file.
func (p Pair) IsZero() bool { return p == Pair{} }

// wholes returns the whole number that node is, or those of the list that it is.
func wholes(node *yaml.Node) (numbers []int, ok bool) {
	nodes := []*yaml.Node{node}
	if node.Kind == yaml.SequenceNode {
		nodes = node.Content
	}
	for _, n := range nodes {
		v, ok := whole(n)
		if !ok {
			return nil, false
		}
		numbers = append(numbers, v)
	}
	return numbers, true
}

// flow returns the numbers as a list on one line.
func flow(numbers []int) *yaml.Node {
	list := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
	for _, n := range numbers {
		list.Content = append(list.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: strconv.Itoa(n)})
	}
	return list
}
