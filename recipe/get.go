// SPDX-License-Identifier: Apache-2.0

package recipe

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Get returns the value at a path ("qat.weight_bits") as text; that of "model" is the
// name of the network. It panics on a path that no recipe has.
func (r *Recipe) Get(path string) string {
	var at any
	if err := yaml.Unmarshal(r.YAML(), &at); err != nil {
		panic(err) // a recipe writes what it reads
	}
	for _, key := range strings.Split(path, ".") {
		at = at.(map[string]any)[key]
	}
	if inner, ok := at.(map[string]any); ok {
		at = inner["name"]
	}
	return fmt.Sprint(at)
}
