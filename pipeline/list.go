// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"fmt"

	"github.com/goqat/goqat/geometry"
	"github.com/goqat/goqat/network"
	"github.com/goqat/goqat/recipe"
)

// List returns a network as the list of layers of a recipe, of which the same network
// is built: every layer has a name, and says what it reads where that is not the one
// before it. An operator that adds tensors by itself becomes two layers. It is an error if a recipe has no layer for an
// operator, or if the last operator does not compute the result.
func List(n *network.Network) ([]recipe.Layer, error) {
	l := lister{names: map[*network.Tensor]string{n.Image: "input"}, taken: map[string]bool{}, before: n.Image}
	for _, o := range n.Operators {
		l.taken[o.Name] = true
	}
	for _, o := range n.Operators {
		layer, ok := listed[o.Kind]
		if !ok {
			return nil, fmt.Errorf("pipeline: %s: a recipe has no layer for the operator %v", o.Name, o.Kind)
		}
		y := layer(o)
		added := o.Added()
		if y.Name = o.Name; len(added) > 0 && o.Kind.Weighted() {
			l.add(y, o.Output, o.Input())
			y = recipe.Layer{Kind: "add", Name: l.free(o.Name + ".add")}
			l.add(activated(y, o), o.Output, append([]*network.Tensor{o.Output}, added...)...)
			continue
		} else if o.Kind.Weighted() {
			y = activated(y, o)
		}
		l.add(y, o.Output, o.Inputs...)
	}
	if l.before != n.Logits {
		return nil, fmt.Errorf("pipeline: the last operator does not compute the result %s", n.Logits.Name)
	}
	if last := &l.list[len(l.list)-1]; last.Kind == "linear" {
		last.Channels = 0 // the classes, also of other data
	}
	return l.list, nil
}

// A lister makes a list of layers.
type lister struct {
	list   []recipe.Layer
	names  map[*network.Tensor]string // of the layers that make them
	taken  map[string]bool
	before *network.Tensor // what the layer before makes
}

// add adds a layer.
func (l *lister) add(y recipe.Layer, output *network.Tensor, inputs ...*network.Tensor) {
	if len(inputs) > 1 || inputs[0] != l.before {
		for _, in := range inputs {
			y.Inputs = append(y.Inputs, l.names[in])
		}
	}
	l.list = append(l.list, y)
	l.names[output], l.before = y.Name, output
}

// free returns a name that no layer has.
func (l *lister) free(name string) string {
	for l.taken[name] {
		name += "_"
	}
	l.taken[name] = true
	return name
}

// activated gives a layer the activation of an operator.
func activated(y recipe.Layer, o *network.Operator) recipe.Layer {
	if o.Activation != network.Identity {
		y.Activation = o.Activation.String()
		if o.Slope != o.Activation.Slope() {
			y.Slope = o.Slope
		}
	}
	return y
}

// listed returns the layer of an operator, but for its name, inputs and activation: the
// other direction of modules, in layer.go.
var listed = map[network.Kind]func(o *network.Operator) recipe.Layer{
	network.Convolution: func(o *network.Operator) recipe.Layer {
		y := recipe.Layer{Kind: "conv", Channels: o.Channels, Kernel: o.Window.Kernel, Norm: o.Normalized}
		if o.Window.Groups > 1 {
			y.Groups = o.Window.Groups
		}
		if y.Groups == o.Channels && y.Groups == o.Input().Channels {
			y.Kind, y.Channels, y.Groups = "depthwise", 0, 0
		}
		return windowed(y, o.Window, recipe.Pair{1, 1})
	},
	network.FullyConnected: func(o *network.Operator) recipe.Layer {
		return recipe.Layer{Kind: "linear", Channels: o.Channels, Norm: o.Normalized}
	},
	network.Addition: func(o *network.Operator) recipe.Layer { return activated(recipe.Layer{Kind: "add"}, o) },
	network.Maximum: func(o *network.Operator) recipe.Layer {
		return windowed(recipe.Layer{Kind: "maxpool", Size: o.Window.Kernel}, o.Window, o.Window.Kernel)
	},
	network.Average: func(o *network.Operator) recipe.Layer {
		if in := o.Input(); o.Window == geometry.Whole(in.Height, in.Width) {
			return recipe.Layer{Kind: "globalavgpool"}
		}
		return windowed(recipe.Layer{Kind: "avgpool", Size: o.Window.Kernel, CountPad: o.CountPad}, o.Window, o.Window.Kernel)
	},
	network.Reshape:       func(*network.Operator) recipe.Layer { return recipe.Layer{Kind: "flatten"} },
	network.Drop:          func(o *network.Operator) recipe.Layer { return recipe.Layer{Kind: "dropout", Rate: o.Rate} },
	network.Concatenation: func(*network.Operator) recipe.Layer { return recipe.Layer{Kind: "concat"} },
	network.Nonlinearity: func(o *network.Operator) recipe.Layer {
		return activated(recipe.Layer{Kind: "activation"}, o)
	},
	network.Normalization: func(o *network.Operator) recipe.Layer { return activated(recipe.Layer{Kind: "norm"}, o) },
	network.Product:       func(*network.Operator) recipe.Layer { return recipe.Layer{Kind: "multiply"} },
	network.Selection: func(o *network.Operator) recipe.Layer {
		if o.Shuffle > 1 {
			return recipe.Layer{Kind: "shuffle", Groups: o.Shuffle}
		}
		return recipe.Layer{Kind: "slice", First: o.First, Channels: o.Output.Channels}
	},
	network.Upsampling: func(o *network.Operator) recipe.Layer { return recipe.Layer{Kind: "upsample", Size: o.Factor} },
}

// windowed gives a layer its window. The stride is left out where it is the given one.
func windowed(y recipe.Layer, w geometry.Window, stride recipe.Pair) recipe.Layer {
	if y.Stride = w.Stride; y.Stride == stride {
		y.Stride = recipe.Pair{}
	}
	if d := w.Dilated(); d != [2]int{1, 1} {
		y.Dilation = d
	}
	y.Pad = recipe.Pad{Sides: w.Pad}
	return y
}
