// SPDX-License-Identifier: Apache-2.0

package recipe

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Load reads a recipe file over the defaults; call [Recipe.Validate] when all
// changes are made. Checkpoints that it names are looked for from its own folder
// on, so that a folder with both can be moved, and where they are not there, from
// the working folder on. It is an error if the file cannot be read, is no YAML of one document, or has keys or values that a
// recipe has not: all of these at once, by their lines.
func Load(path string) (*Recipe, error) {
	r, _, err := LoadGiven(path)
	return r, err
}

// readFile reads a recipe file, and no more of it than Parse takes.
func readFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("recipe: %w", err)
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && info.IsDir() {
		return nil, fmt.Errorf("recipe: %s is a folder; name a recipe, such as the config.yaml of a run folder", path)
	}
	data, err := io.ReadAll(io.LimitReader(file, maxText+1))
	if err != nil {
		return nil, fmt.Errorf("recipe: %w", err)
	}
	return data, nil
}

// locate looks for the checkpoints that a recipe file names.
func (r *Recipe) locate(path string) {
	for _, checkpoint := range []*string{&r.Init, &r.Teacher.Checkpoint} {
		*checkpoint = beside(path, *checkpoint)
	}
}

// beside returns the path of a file that a recipe names: from the recipe's folder on
// if it is there, else as it is.
func beside(recipe, name string) string {
	if name == "" || filepath.IsAbs(name) {
		return name
	}
	path := filepath.Join(filepath.Dir(recipe), name)
	if _, err := os.Stat(path); err != nil {
		return name
	}
	return path
}

// Limits of a recipe, far above any that a person writes.
const (
	maxText   = 1 << 20 // bytes
	maxLayers = 1 << 12 // of a network, those within others included
	maxNested = 1 << 6  // layers within each other
)

// Parse reads a recipe over the defaults. name stands for the file in errors,
// which list every problem with its line: unknown and repeated keys, and values
// of the wrong type.
func Parse(data []byte, name string) (*Recipe, error) {
	document, err := parseNode(data, name)
	if err != nil {
		return nil, err
	}
	return decode(document, name)
}

// parseNode reads the one document of a recipe file, nil if it is empty.
func parseNode(data []byte, name string) (*yaml.Node, error) {
	if len(data) > maxText {
		return nil, fmt.Errorf("recipe: %s: longer than %d MiB, which is no recipe", name, maxText>>20)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var document, second yaml.Node
	if err := decoder.Decode(&document); err != nil && !errors.Is(err, io.EOF) {
		hint := ""
		if bytes.Contains(data, []byte("\n\t")) {
			hint = "; indent by spaces, YAML takes no tabs"
		}
		return nil, fmt.Errorf("recipe: %s: %w%s", name, err, hint)
	}
	if err := decoder.Decode(&second); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("recipe: %s: more than one document, keep one", name)
	}
	if len(document.Content) == 0 {
		return nil, nil
	}
	return document.Content[0], nil
}

// decode reads a document, which may be nil, over the defaults.
func decode(document *yaml.Node, name string) (*Recipe, error) {
	r := Default()
	if document == nil {
		return r, nil
	}
	d := decoding{source: name + ":"}
	d.value(document, reflect.ValueOf(r).Elem(), "")
	if d.problems != nil {
		return nil, d.problems
	}
	return r, nil
}

// desugarer is a value with short forms in YAML.
type desugarer interface {
	desugar(*yaml.Node) *yaml.Node
}

// reader is a value that takes itself from YAML: it says what it wants to be if the
// node is something else.
type reader interface {
	read(*yaml.Node) (want string)
}

// decoding fills Go values from YAML nodes and collects what does not fit.
type decoding struct {
	source   string // before the line number
	problems problems
}

func (d *decoding) report(node *yaml.Node, format string, args ...any) {
	if d.problems.enough() {
		return
	}
	place := d.source
	if strings.HasSuffix(place, ":") {
		place += strconv.Itoa(node.Line)
	}
	d.problems = append(d.problems, place+": "+fmt.Sprintf(format, args...))
}

// value decodes node into v, which is at path; the empty path is the recipe.
// Mappings change the fields they name, lists replace the whole list.
func (d *decoding) value(node *yaml.Node, v reflect.Value, path string) {
	if s, ok := v.Addr().Interface().(desugarer); ok {
		node = s.desugar(node)
	}
	if r, ok := v.Addr().Interface().(reader); ok {
		if want := r.read(node); want != "" {
			d.report(node, "%s must be %s", path, want)
		}
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		if node.Kind != yaml.MappingNode {
			d.report(node, "%s must be a mapping of keys to values", subject(path))
			return
		}
		d.fields(node, v, path)
	case reflect.Slice:
		if node.Kind != yaml.SequenceNode {
			d.report(node, "%s must be a list", subject(path))
			return
		}
		v.SetZero()
		for i, item := range node.Content {
			if d.problems.enough() {
				break
			}
			v.Set(reflect.Append(v, reflect.Zero(v.Type().Elem())))
			d.value(item, v.Index(i), fmt.Sprintf("%s[%d]", path, i))
		}
	default:
		d.scalar(node, v, path)
	}
}

func (d *decoding) fields(node *yaml.Node, v reflect.Value, path string) {
	seen := map[string]int{}
	for i := 0; i+1 < len(node.Content) && !d.problems.enough(); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		name := join(path, key.Value)
		if key.Kind != yaml.ScalarNode {
			d.report(key, "a key of %s must be a word", subject(path))
			continue
		}
		if line, ok := seen[key.Value]; ok {
			d.report(key, "%s is already set in line %d", name, line)
			continue
		}
		seen[key.Value] = key.Line
		field, ok := lookup(v, key.Value)
		if !ok {
			d.report(key, "%s", unknown(v.Type(), path, key.Value))
			continue
		}
		d.value(value, field, name)
	}
}

func (d *decoding) scalar(node *yaml.Node, v reflect.Value, path string) {
	want := map[reflect.Kind]string{
		reflect.String:  "a word",
		reflect.Int:     "a whole number",
		reflect.Float64: "a number",
		reflect.Bool:    "true or false",
	}[v.Kind()]
	if node.Kind == yaml.SequenceNode && len(node.Content) > 0 {
		d.report(node, "%s must be %s; a list of values is a grid, for qat sweep", path, want)
		return
	}
	if node.Kind != yaml.ScalarNode || node.Tag == "!!null" {
		d.report(node, "%s must be %s", path, want)
		return
	}
	ok := true
	switch v.Kind() {
	case reflect.String:
		v.SetString(node.Value) // first_last: 8 is the word "8"
	case reflect.Int:
		var n int
		if n, ok = whole(node); ok {
			v.SetInt(int64(n))
		}
	case reflect.Float64:
		var x float64
		if x, ok = number(node); ok {
			v.SetFloat(x)
		}
	default:
		ok = node.Decode(v.Addr().Interface()) == nil
	}
	if !ok {
		if v.Kind() == reflect.Int && node.ShortTag() == "!!int" {
			want += " in decimal digits, without a 0 before them"
		}
		d.report(node, "%s is %q, must be %s", path, node.Value, want)
	}
}

// lookup returns the field of the struct v that has the key, also in embedded
// structs.
func lookup(v reflect.Value, key string) (reflect.Value, bool) {
	for _, f := range reflect.VisibleFields(v.Type()) {
		if tag(f) == key && key != "" {
			return v.FieldByIndex(f.Index), true
		}
	}
	return reflect.Value{}, false
}

// tag returns the key of a field, empty for embedded structs.
func tag(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	return name
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func subject(path string) string {
	if path == "" {
		return "the recipe"
	}
	return path
}

// problems is a list of complaints, shown on one line.
type problems []string

// mostProblems is how many problems are told; a file with more is probably no
// recipe at all.
const mostProblems = 20

// enough says whether no more problems need be looked for.
func (p problems) enough() bool { return len(p) > mostProblems }

func (p problems) Error() string {
	if p.enough() {
		p = append(slices.Clone(p[:mostProblems]), "and more")
	}
	return "recipe: " + strings.Join(p, "; ")
}
