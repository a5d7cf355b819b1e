// SPDX-License-Identifier: Apache-2.0

package recipe

import (
	"fmt"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Set changes one value, given as "path=value": "qat.weight_bits=4",
// "model=resnet20", "qat.layers=[{match: fc*, weight_bits: 8}]". The value is
// YAML, except that words are taken as they are. After an error the recipe is
// unchanged.
func (r *Recipe) Set(assignment string) error {
	path, value, ok := strings.Cut(assignment, "=")
	if !ok {
		return fmt.Errorf("recipe: %q sets nothing, write path=value", assignment)
	}
	v, walked := reflect.ValueOf(r).Elem(), ""
	for _, key := range strings.Split(path, ".") {
		if v.Kind() != reflect.Struct {
			return fmt.Errorf("recipe: %s has no keys below it, so %q cannot be set", walked, path)
		}
		field, ok := lookup(v, key)
		if !ok {
			return fmt.Errorf("recipe: %s", unknown(v.Type(), walked, key))
		}
		v, walked = field, join(walked, key)
	}
	if v.Kind() == reflect.String {
		v.SetString(value)
		return nil
	}
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(value), &document); err != nil {
		return fmt.Errorf("recipe: %s: %w", path, err)
	}
	node := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"}
	if len(document.Content) > 0 {
		node = document.Content[0]
	}
	changed := reflect.New(v.Type()).Elem()
	changed.Set(v)
	d := decoding{source: assignment}
	d.value(node, changed, path)
	if d.problems != nil {
		return d.problems
	}
	v.Set(changed)
	return nil
}
