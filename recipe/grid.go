// SPDX-License-Identifier: Apache-2.0

package recipe

import (
	"fmt"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A Grid is a recipe that has lists where one value is wanted: it stands for a recipe of
// every choice of them.
type Grid struct {
	Axes   []Axis
	Points []Point  // the last axis changes first
	Given  []string // see [Given]
}

// An Axis is a key with several values.
type Axis struct {
	Path   string // "qat.lr"
	Values []string

	place *yaml.Node   // the list; takes the place of a value in turn
	nodes []*yaml.Node // the values
}

// A Point is a recipe of a grid.
type Point struct {
	Name   string // of its values, without the seed: "pact-weight_bits4"; of the file where the seed alone changes
	Recipe *Recipe
}

// mostPoints bounds the recipes of a grid.
const mostPoints = 1 << 14

// LoadGrid reads a recipe file whose lists may stand for several values. A list that a
// key wants by itself, as that of a network's layers, is one value. Checkpoints are found
// as by [Load]. Its errors are those of Load; more trainings than a grid may have, or two of one name, are errors, too.
func LoadGrid(file string) (*Grid, error) {
	data, err := readFile(file)
	if err != nil {
		return nil, err
	}
	g, err := ParseGrid(data, file)
	if err != nil {
		return nil, err
	}
	for _, p := range g.Points {
		p.Recipe.locate(file)
	}
	return g, nil
}

// ParseGrid is LoadGrid of text; name stands for the file in errors and in names.
func ParseGrid(data []byte, name string) (*Grid, error) {
	document, err := parseNode(data, name)
	if err != nil {
		return nil, err
	}
	g := &Grid{}
	if document != nil {
		g.Given = given(nil, "", document)
		g.find(document, reflect.ValueOf(Default()).Elem(), "")
	}
	points := 1
	for _, a := range g.Axes {
		if points *= len(a.Values); points > mostPoints {
			return nil, fmt.Errorf("recipe: %s: more than %d trainings; take some values out", name, mostPoints)
		}
	}
	for i := range points {
		names := g.take(i)
		r, err := decode(document, name)
		if err != nil {
			return nil, err
		}
		g.Points = append(g.Points, Point{g.name(names, name), r})
	}
	return g, g.distinct(name)
}

// find finds the axes below a node, in the order of the file.
func (g *Grid) find(node *yaml.Node, v reflect.Value, at string) {
	if node.Kind != yaml.MappingNode || v.Kind() != reflect.Struct {
		return
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		field, ok := lookup(v, node.Content[i].Value)
		if !ok {
			continue // decoding says so
		}
		value, path := node.Content[i+1], join(at, node.Content[i].Value)
		if value.Kind == yaml.SequenceNode && isAxis(value, field, path) {
			a := Axis{Path: path, place: value, nodes: value.Content}
			for _, n := range value.Content {
				a.Values = append(a.Values, text(n))
			}
			g.Axes = append(g.Axes, a)
			continue
		}
		g.find(value, field, path)
	}
}

// isAxis tells whether a key takes each value of a list and not the list.
func isAxis(list *yaml.Node, v reflect.Value, path string) bool {
	takes := func(node *yaml.Node) bool {
		try := reflect.New(v.Type()).Elem()
		try.Set(v)
		d := decoding{}
		d.value(node, try, path)
		return d.problems == nil
	}
	return len(list.Content) > 0 && !takes(list) && !slices.ContainsFunc(list.Content, func(n *yaml.Node) bool { return !takes(n) })
}

// text is a value on one line.
func text(node *yaml.Node) string {
	if node.Kind == yaml.ScalarNode {
		return node.Value
	}
	flow := *node
	flow.Style = yaml.FlowStyle
	b, err := yaml.Marshal(&flow)
	if err != nil {
		return node.Value
	}
	return strings.TrimSpace(string(b))
}

// take puts the values of point i in the places of their lists, and returns which they
// are, by axis.
func (g *Grid) take(i int) []int {
	at := make([]int, len(g.Axes))
	for k, a := range slices.Backward(g.Axes) {
		at[k] = i % len(a.Values)
		*a.place = *a.nodes[at[k]]
		i /= len(a.Values)
	}
	return at
}

const seedPath = "seed"

// name is that of a point: its words, and its numbers after the last part of their keys.
func (g *Grid) name(at []int, file string) string {
	var parts []string
	for k, i := range at {
		a := g.Axes[k]
		if a.Path == seedPath {
			continue
		}
		part := plain(a.Values[i])
		if strings.HasPrefix(a.Values[i], "-") {
			part = "-" + part
		}
		if part == "" || strings.ContainsRune("0123456789.+-", rune(part[0])) || part == "true" || part == "false" {
			part = g.short(a.Path) + part
		}
		parts = append(parts, part)
	}
	if len(parts) == 0 {
		base := filepath.Base(file)
		return plain(strings.TrimSuffix(base, filepath.Ext(base)))
	}
	return strings.Join(parts, "-")
}

// short is the end of a path that no other axis ends with.
func (g *Grid) short(of string) string {
	end := of[strings.LastIndexByte(of, '.')+1:]
	for _, a := range g.Axes {
		if a.Path != of && strings.HasSuffix("."+a.Path, "."+end) {
			return of
		}
	}
	return end
}

// plain is a value as a part of a file's name: of a path its last element.
func plain(value string) string {
	if strings.ContainsAny(value, `/\`) && !strings.ContainsAny(value, "{[") {
		value = path.Base(strings.ReplaceAll(value, `\`, "/"))
	}
	value = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune("._+", r):
			return r
		}
		return '-'
	}, value)
	const long = 40
	value = strings.Join(strings.FieldsFunc(value, func(r rune) bool { return r == '-' }), "-")
	return strings.Trim(value[:min(long, len(value))], "-")
}

// distinct wants points whose names and seeds differ.
func (g *Grid) distinct(name string) error {
	seen := map[string]bool{}
	for _, p := range g.Points {
		key := fmt.Sprintf("%s-%d", p.Name, p.Recipe.Seed)
		if seen[key] {
			return fmt.Errorf("recipe: %s: two trainings would be called %s; take out values that are there twice, or name their files otherwise", name, key)
		}
		seen[key] = true
	}
	return nil
}
