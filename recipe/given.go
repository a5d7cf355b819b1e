// SPDX-License-Identifier: Apache-2.0

package recipe

import (
	"fmt"
	"os"

	"go.yaml.in/yaml/v3"
)

// Given returns the keys to which a recipe file gives values, in its order, as in
// "qat.lr"; of lists, the key of the whole list. Read the file by [Load] first, which
// says what is wrong with it.
func Given(path string) ([]string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("recipe: %w", err)
	}
	var document yaml.Node
	if err := yaml.Unmarshal(data, &document); err != nil {
		return nil, fmt.Errorf("recipe: %s: %w", path, err)
	}
	var keys []string
	for _, node := range document.Content {
		keys = given(keys, "", node)
	}
	return keys, nil
}

// given appends the keys below a path.
func given(keys []string, path string, node *yaml.Node) []string {
	if node.Kind != yaml.MappingNode || len(node.Content) == 0 {
		return append(keys, path)
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		keys = given(keys, join(path, node.Content[i].Value), node.Content[i+1])
	}
	return keys
}
