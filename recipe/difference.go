// SPDX-License-Identifier: Apache-2.0

package recipe

import (
	"fmt"
	"maps"
	"reflect"
	"slices"

	"go.yaml.in/yaml/v3"
)

// Differences names the values in which another recipe differs, in the order of their
// keys: "qat.lr: 0.02, was 0.01".
func (r *Recipe) Differences(before *Recipe) []string {
	return differences("", before.values(), r.values())
}

// values returns the recipe as nested maps.
func (r *Recipe) values() map[string]any {
	var values map[string]any
	if err := yaml.Unmarshal(r.YAML(), &values); err != nil {
		panic(fmt.Sprintf("recipe: what was encoded does not decode: %v", err))
	}
	return values
}

func differences(prefix string, before, after map[string]any) (list []string) {
	keys := maps.Clone(before)
	maps.Copy(keys, after)
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		was, is := before[key], after[key]
		wasMap, ok1 := was.(map[string]any)
		isMap, ok2 := is.(map[string]any)
		switch {
		case ok1 && ok2:
			list = append(list, differences(prefix+key+".", wasMap, isMap)...)
		case !reflect.DeepEqual(was, is):
			list = append(list, fmt.Sprintf("%s%s: %v, was %v", prefix, key, is, was))
		}
	}
	return list
}
