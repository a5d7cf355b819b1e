// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"fmt"
	"strings"

	"github.com/goqat/goqat/geometry"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/network"
	"github.com/goqat/goqat/recipe"
)

// A part is a layer of a recipe whose names are resolved.
type part struct {
	recipe.Layer
	activation     network.Activation
	classes        int           // of the network
	body, shortcut layers.Module // shortcut is nil without layers
}

// modules makes the module of each kind of layer that recipe.Kinds lists.
var modules = map[string]func(part) layers.Module{
	"conv":      convolution,
	"depthwise": convolution,
	"linear":    linear,
	"maxpool": func(p part) layers.Module {
		return layers.MaxPool{Name: p.Name, Window: p.window(p.Size), Same: p.Pad.Same}
	},
	"avgpool":       average,
	"globalavgpool": func(p part) layers.Module { return layers.GlobalAvgPool{Name: p.Name} },
	"flatten":       func(p part) layers.Module { return layers.Flatten{Name: p.Name} },
	"dropout":       func(p part) layers.Module { return layers.Dropout{Name: p.Name, Rate: p.Rate} },
	"residual":      residual,
	"add":           func(p part) layers.Module { return layers.Add{Name: p.Name, Activation: p.activation, Slope: p.Slope} },
	"concat":        func(p part) layers.Module { return layers.Concat{Name: p.Name} },
	"multiply":      func(p part) layers.Module { return layers.Multiply{Name: p.Name} },
	"norm":          func(p part) layers.Module { return layers.Norm{Name: p.Name, Activation: p.activation, Slope: p.Slope} },
	"activation":    activation,
	"slice":         func(p part) layers.Module { return layers.Slice{Name: p.Name, First: p.First, Channels: p.Channels} },
	"shuffle":       func(p part) layers.Module { return layers.Shuffle{Name: p.Name, Groups: p.Groups} },
	"upsample":      func(p part) layers.Module { return layers.Upsample{Name: p.Name, Factor: p.Size} },
	"relu":          func(p part) layers.Module { return layers.Activate{Name: p.Name, Activation: network.ReLU} },
}

func convolution(p part) layers.Module {
	return layers.Conv2D{
		Name: p.Name, Channels: p.Channels, Window: p.window(p.Kernel), Same: p.Pad.Same, Groups: p.Groups,
		Depthwise: p.Kind == "depthwise", NoNorm: !p.Norm, Activation: p.activation, Slope: p.Slope,
	}
}

func linear(p part) layers.Module {
	if p.Channels == 0 {
		p.Channels = p.classes
	}
	return layers.Linear{Name: p.Name, Channels: p.Channels, Norm: p.Norm, Activation: p.activation, Slope: p.Slope}
}

func average(p part) layers.Module {
	return layers.AvgPool{Name: p.Name, Window: p.window(p.Size), Same: p.Pad.Same, CountPad: p.CountPad}
}

func activation(p part) layers.Module {
	return layers.Activate{Name: p.Name, Activation: p.activation, Slope: p.Slope}
}

func residual(p part) layers.Module {
	return layers.Residual{Name: p.Name, Body: p.body, Shortcut: p.shortcut, Activation: p.activation, Slope: p.Slope}
}

// window returns the window of a layer with the given kernel.
func (p part) window(kernel recipe.Pair) geometry.Window {
	return geometry.Window{Kernel: kernel, Stride: p.Stride, Dilation: p.Dilation, Pad: p.Pad.Sides}
}

// chain returns a list of layers as a module.
func chain(list []recipe.Layer, classes int) (layers.Module, error) {
	g := make(layers.Graph, len(list))
	for i, l := range list {
		m, err := layer(l, classes)
		if err != nil {
			return nil, err
		}
		g[i] = layers.Node{Name: l.Name, Inputs: l.Inputs, Module: m}
	}
	return g, nil
}

// layer returns one layer of a list as a module.
func layer(l recipe.Layer, classes int) (layers.Module, error) {
	a, ok := network.ActivationNamed(l.Activation)
	if !ok && l.Activation != "" && l.Activation != "none" {
		return nil, fmt.Errorf("pipeline: layer %s: there is no activation %q; choose none, %s", l.Name, l.Activation, strings.Join(network.ActivationNames(), ", "))
	}
	module, ok := modules[l.Kind]
	if !ok {
		return nil, fmt.Errorf("pipeline: layer %s: there is no kind %q", l.Name, l.Kind)
	}
	p := part{Layer: l, activation: a, classes: classes}
	var err error
	if p.body, err = chain(l.Body, classes); err != nil {
		return nil, err
	}
	if len(l.Shortcut) > 0 {
		if p.shortcut, err = chain(l.Shortcut, classes); err != nil {
			return nil, err
		}
	}
	return module(p), nil
}
