// SPDX-License-Identifier: Apache-2.0

package recipe

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/goqat/goqat/network"
)

// kinds lists the fields, besides kind and name, that each kind of layer has;
// those with a star must be given.
var kinds = map[string][]string{
	"conv":          {"channels*", "kernel*", "stride", "dilation", "pad", "groups", "norm", "activation", "slope"},
	"depthwise":     {"kernel*", "stride", "dilation", "pad", "norm", "activation", "slope"},
	"linear":        {"channels", "norm", "activation", "slope"},
	"maxpool":       {"size*", "stride", "pad"},
	"avgpool":       {"size*", "stride", "pad", "count_pad"},
	"globalavgpool": {},
	"flatten":       {},
	"dropout":       {"rate*"},
	"residual":      {"body*", "shortcut", "activation", "slope"},
	"add":           {"inputs*", "activation", "slope"},
	"concat":        {"inputs*"},
	"multiply":      {"inputs*"},
	"norm":          {"activation", "slope"},
	"activation":    {"activation*", "slope"},
	"slice":         {"first", "channels"},
	"shuffle":       {"groups*"},
	"upsample":      {"size*"},
	"relu":          {},
}

// Kinds returns the names of the kinds of layers, sorted.
func Kinds() []string { return slices.Sorted(maps.Keys(kinds)) }

// Fields returns the fields that layers of a kind have beside kind, name and inputs, and which of
// all must be given.
func Fields(kind string) (fields, required []string) {
	for _, f := range kinds[kind] {
		name, must := strings.CutSuffix(f, "*")
		if must {
			required = append(required, name)
		}
		if name != "inputs" {
			fields = append(fields, name)
		}
	}
	return fields, required
}

func (c *check) model(m *Model) {
	c.given("model.name", m.Name)
	above(c, "model.width", m.Width, 0, 64)
	if len(m.Layers) == 0 && (m.Layers != nil || m.Name == custom) {
		c.report("model.layers has no layers; list them, or name a network with model.name")
	}
	if len(m.Layers) == 0 {
		return
	}
	if m.Width != 1 {
		c.report("model.width is %v, but a list of layers has the channels it says; leave it out", m.Width)
	}
	if n, nested := count(m.Layers); n > maxLayers || nested > maxNested {
		c.report("model.layers has %d layers, %d within each other, more than %d and %d", n, nested, maxLayers, maxNested)
		return
	}
	c.layers("model.layers", m.Layers, map[string]string{})
}

// count returns how many layers there are, those within others included, and how
// many are within each other.
func count(list []Layer) (n, nested int) {
	for i := range list {
		for _, within := range [][]Layer{list[i].Body, list[i].Shortcut} {
			more, deep := count(within)
			n, nested = n+more, max(nested, deep)
		}
	}
	return n + len(list), nested + min(1, len(list))
}

// layers checks a list of layers; seen tells where a name was given first.
func (c *check) layers(name string, list []Layer, seen map[string]string) {
	for i := range list {
		l, name := &list[i], fmt.Sprintf("%s[%d]", name, i)
		fields, ok := kinds[l.Kind]
		if !ok {
			c.oneOf(name+".kind", l.Kind, Kinds()...)
			continue
		}
		if first, ok := seen[l.Name]; ok && l.Name != "" {
			c.report("%s.name is %q, as that of %s; names must differ", name, l.Name, first)
		}
		seen[l.Name] = name
		c.fields(name, l, fields)
		c.inputs(name, l, list[:i])
		c.layers(name+".body", l.Body, seen)
		c.layers(name+".shortcut", l.Shortcut, seen)
	}
}

// listInput is the name of what a list of layers reads.
const listInput = "input"

// inputs checks that a layer reads layers before it, and several only if it joins them.
func (c *check) inputs(name string, l *Layer, before []Layer) {
	known := []string{listInput}
	for _, b := range before {
		if b.Name != "" {
			known = append(known, b.Name)
		}
	}
	for _, in := range l.Inputs {
		if slices.Contains(known, in) {
			continue
		}
		message := fmt.Sprintf("%s.inputs: %q is no layer before it in the list", name, in)
		if n := Nearest(in, known); n != "" {
			message += fmt.Sprintf(", did you mean %q?", n)
		}
		c.report("%s", message)
	}
	if len(l.Inputs) > 1 && !slices.Contains(kinds[l.Kind], "inputs*") {
		c.report("%s.inputs: a layer of kind %s reads one layer, not %d", name, l.Kind, len(l.Inputs))
	}
	if l.Name == listInput {
		c.report("%s.name is %q, which stands for what the list reads; choose another", name, listInput)
	}
}

// fields checks that the layer has the fields of its kind and their ranges.
func (c *check) fields(name string, l *Layer, fields []string) {
	const most = 1 << 16
	for _, f := range []struct {
		key   string
		given bool
		check func(name string)
	}{
		{"channels", l.Channels != 0, func(n string) { between(c, n, l.Channels, 1, most) }},
		{"kernel", !l.Kernel.IsZero(), func(n string) { c.each(n, l.Kernel[:], 1, most) }},
		{"stride", !l.Stride.IsZero(), func(n string) { c.each(n, l.Stride[:], 1, most) }},
		{"dilation", !l.Dilation.IsZero(), func(n string) { c.each(n, l.Dilation[:], 1, most) }},
		{"pad", !l.Pad.IsZero(), func(n string) { c.each(n, l.Pad.Sides[:], 0, most) }},
		{"count_pad", l.CountPad, func(string) {}},
		{"groups", l.Groups != 0, func(n string) { between(c, n, l.Groups, 1, most) }},
		{"norm", l.Norm, func(string) {}},
		{"activation", l.Activation != "", func(n string) { c.oneOf(n, l.Activation, append([]string{"none"}, network.ActivationNames()...)...) }},
		{"slope", l.Slope != 0, func(n string) { c.slope(n, l) }},
		{"first", l.First != 0, func(n string) { between(c, n, l.First, 0, most) }},
		{"size", !l.Size.IsZero(), func(n string) { c.each(n, l.Size[:], 1, most) }},
		{"inputs", l.Inputs != nil && slices.Contains(fields, "inputs*"), func(string) {}},
		{"rate", l.Rate != 0, func(n string) { below(c, n, l.Rate, 0, 1) }},
		{"body", l.Body != nil, func(string) {}},
		{"shortcut", l.Shortcut != nil, func(string) {}},
	} {
		required := slices.Contains(fields, f.key+"*")
		switch {
		case f.given && !required && !slices.Contains(fields, f.key):
			c.report("%s.%s: a layer of kind %s has no %s%s", name, f.key, l.Kind, f.key, has(fields))
		case f.given:
			f.check(name + "." + f.key)
		case required:
			c.report("%s: a layer of kind %s needs %s", name, l.Kind, f.key)
		}
	}
}

// slope checks the slope of an activation that has one.
func (c *check) slope(name string, l *Layer) {
	a, ok := network.ActivationNamed(l.Activation)
	switch {
	case ok && a.Slope() == 0 || l.Activation == "" || l.Activation == "none":
		c.report("%s: the activation %s has no slope", name, cmp.Or(l.Activation, "none"))
	case !(l.Slope >= -100 && l.Slope <= 100):
		c.report("%s is %v; choose a number from -100 to 100", name, l.Slope)
	}
}

// each wants all numbers in [lo, hi], and complains of the first that is not.
func (c *check) each(name string, numbers []int, lo, hi int) {
	for _, v := range numbers {
		if v < lo || v > hi {
			between(c, name, v, lo, hi)
			return
		}
	}
}

// has says which fields there are.
func has(fields []string) string {
	if len(fields) == 0 {
		return ""
	}
	return ", only " + strings.ReplaceAll(strings.Join(fields, ", "), "*", "")
}
