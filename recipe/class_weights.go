// SPDX-License-Identifier: Apache-2.0

package recipe

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"go.yaml.in/yaml/v3"
)

// ClassWeights are factors on the loss of the images of each class: none; "auto", in
// inverse proportion to the images (King and Zeng 2001, "Logistic regression in rare
// events data"); or numbers by name, 1 for classes without one. They are scaled so that
// their mean over the training images is 1.
type ClassWeights struct {
	Auto   bool
	ByName map[string]float64
}

// Given says whether there are any.
func (w ClassWeights) Given() bool { return w.Auto || len(w.ByName) > 0 }

// read takes weights from a file.
func (w *ClassWeights) read(node *yaml.Node) (want string) {
	const form = "none, auto, or weights by class as in {cat: 2, dog: 1}"
	switch {
	case node.Kind == yaml.ScalarNode && node.Value == "auto":
		*w = ClassWeights{Auto: true}
		return ""
	case node.Kind == yaml.ScalarNode && node.Value == "none":
		*w = ClassWeights{}
		return ""
	case node.Kind != yaml.MappingNode:
		return form
	}
	byName := map[string]float64{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		v, ok := number(value)
		if !ok || key.Kind != yaml.ScalarNode {
			return form
		}
		if _, twice := byName[key.Value]; twice {
			return fmt.Sprintf("%s, with every class once (%q is there twice)", form, key.Value)
		}
		byName[key.Value] = v
	}
	*w = ClassWeights{ByName: byName}
	return ""
}

// MarshalYAML writes what read takes.
func (w ClassWeights) MarshalYAML() (any, error) {
	switch {
	case w.Auto:
		return "auto", nil
	case len(w.ByName) > 0:
		return w.ByName, nil
	}
	return "none", nil
}

// Of returns the weights of the named classes, of which so many images are drawn in an
// epoch; nil for none. It is an error if they name a class that there is not, or are 0 for every class with images.
func (w ClassWeights) Of(classes []string, drawn []int) ([]float32, error) {
	if !w.Given() {
		return nil, nil
	}
	for _, name := range slices.Sorted(maps.Keys(w.ByName)) {
		if slices.Contains(classes, name) {
			continue
		}
		if near := Nearest(name, classes); near != "" {
			return nil, fmt.Errorf("recipe: class_weights: there is no class %q, did you mean %q?", name, near)
		}
		return nil, fmt.Errorf("recipe: class_weights: there is no class %q; classes are %s", name, listed(classes))
	}
	weights, sum, images := make([]float64, len(classes)), 0.0, 0
	for c, name := range classes {
		given, ok := w.ByName[name]
		switch {
		case ok:
			weights[c] = given
		case w.Auto:
			weights[c] = 1 / float64(max(1, drawn[c]))
		default:
			weights[c] = 1
		}
		sum += float64(weights[c] * float64(drawn[c]))
		images += drawn[c]
	}
	if sum == 0 {
		return nil, fmt.Errorf("recipe: class_weights are 0 for every class that has training images")
	}
	scaled := make([]float32, len(classes))
	for c := range scaled {
		scaled[c] = float32(weights[c] * float64(images) / sum)
	}
	return scaled, nil
}

// listed shows the first of many names.
func listed(names []string) string {
	const most = 20
	if len(names) <= most {
		return fmt.Sprint(names)
	}
	return fmt.Sprintf("%v and %d more", names[:most], len(names)-most)
}

// check says what weights cannot be.
func (c *check) classWeights(w ClassWeights) {
	for _, name := range slices.Sorted(maps.Keys(w.ByName)) {
		if v := w.ByName[name]; !(v >= 0) || math.IsInf(v, 0) || v > 1e6 {
			c.report("class_weights: the weight of %q is %v, must be from 0 to 1e+06", name, v)
		}
	}
}
