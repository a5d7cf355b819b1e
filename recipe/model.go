// SPDX-License-Identifier: Apache-2.0

package recipe

import "go.yaml.in/yaml/v3"

// Model is the network: a named one, as in lenet or {name: lenet, width: 0.25}, or a
// list of layers, as in [{kind: conv, channels: 16, kernel: 3, pad: 1, norm: true,
// activation: relu}, {kind: flatten}, {kind: linear}].
type Model struct {
	Name   string  `yaml:"name"`             // of a network; a name of one's own for a list
	Width  float64 `yaml:"width"`            // factor on the channels of a named network, above 0; 1 for a list
	Layers []Layer `yaml:"layers,omitempty"` // in order; the last one gives the classes
}

// custom is the name of a network written as a list of layers without a name.
const custom = "custom"

// desugar brings the short forms to the mapping. A model named anew starts at
// width 1, whatever the width of the one before.
func (m *Model) desugar(node *yaml.Node) *yaml.Node {
	switch {
	case node.Kind == yaml.ScalarNode && node.Tag != "!!null":
		node = mapping("name", node)
	case node.Kind == yaml.SequenceNode:
		node = mapping("layers", node)
	case node.Kind != yaml.MappingNode:
		return node
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		switch node.Content[i].Value {
		case "name":
			m.Width, m.Layers = 1, nil
		case "layers":
			*m = Model{Name: custom, Width: 1}
		}
	}
	return node
}

// mapping returns {key: value}.
func mapping(key string, value *yaml.Node) *yaml.Node {
	k := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: key, Line: value.Line}
	return &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Content: []*yaml.Node{k, value}, Line: value.Line}
}

// A Layer of a network written as a list. Which fields count depends on the
// kind; the others stay 0.
//
//	conv, depthwise   channels (conv only), kernel, stride, dilation, pad, groups (conv only), norm, activation, slope
//	linear            channels (0 in the last layer: the classes), norm, activation, slope
//	maxpool, avgpool  size, stride (0 means size), pad, count_pad (avgpool only)
//	dropout           rate
//	residual          body, shortcut, activation, slope
//	add               activation, slope
//	concat            (of the channels)
//	multiply          (of two layers, the second of the size of the first or of one pixel)
//	norm              activation, slope (batch normalization alone)
//	activation        activation, slope
//	slice             first, channels (0 means all from the first on)
//	shuffle           groups (of channels, which are read by turns)
//	upsample          size (times as high and as wide)
//	relu, globalavgpool, flatten
//
// A layer reads the result of the one before it, or, with inputs, those of layers of
// the same list, before it and with a name; "input" is what the list itself reads. So
// lists have branches, which an add or a concat joins.
//
//   - {kind: conv, name: stem, channels: 16, kernel: 3, pad: 1, norm: true, activation: relu}
//   - {kind: conv, name: left, channels: 16, kernel: [1, 3], pad: same, norm: true}
//   - {kind: conv, name: right, inputs: [stem], channels: 16, kernel: [3, 1], pad: same, norm: true}
//   - {kind: add, inputs: [left, right, stem], activation: relu}
type Layer struct {
	// conv, depthwise, linear, maxpool, avgpool, globalavgpool, flatten, dropout, residual, add, concat,
	// multiply, norm, activation, slice, shuffle, upsample or relu
	Kind       string   `yaml:"kind"`
	Name       string   `yaml:"name,omitempty"`        // unique; empty means kind and number
	Inputs     []string `yaml:"inputs,omitempty,flow"` // names of layers before; empty means the last one
	Channels   int      `yaml:"channels,omitempty"`    // of the output
	Kernel     Pair     `yaml:"kernel,omitempty"`      // n or [height, width]
	Stride     Pair     `yaml:"stride,omitempty"`      // n or [height, width]; 0 means 1
	Dilation   Pair     `yaml:"dilation,omitempty"`    // of a kernel, distance of its rows and columns; 0 means 1
	Pad        Pad      `yaml:"pad,omitempty"`         // n, [height, width], [top, left, bottom, right] or same
	CountPad   bool     `yaml:"count_pad,omitempty"`   // the padding counts in a mean, as zeros
	Groups     int      `yaml:"groups,omitempty"`      // of channels; 0 means 1
	Norm       bool     `yaml:"norm,omitempty"`        // batch normalization instead of a bias
	Activation string   `yaml:"activation,omitempty"`  // none, relu, relu6, hard_swish, hard_sigmoid, sigmoid, silu, leaky_relu, prelu; empty means none
	Slope      float64  `yaml:"slope,omitempty"`       // of leaky_relu (0 means 0.01), prelu (at first; 0.25) and hard_sigmoid (1/6)
	First      int      `yaml:"first,omitempty"`       // channel that a slice begins with
	Size       Pair     `yaml:"size,omitempty"`        // of a pooling window, or factor of an upsampling, n or [height, width]
	Rate       float64  `yaml:"rate,omitempty"`        // of values dropped, in [0, 1)
	Body       []Layer  `yaml:"body,omitempty"`        // added to the shortcut
	Shortcut   []Layer  `yaml:"shortcut,omitempty"`    // empty means the input itself
}
