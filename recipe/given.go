// SPDX-License-Identifier: Apache-2.0

package recipe

import "go.yaml.in/yaml/v3"

// LoadGiven is [Load], and returns the keys to which the file gives values as well, in its order, as in
// "qat.lr"; of lists, the key of the whole list. It reads the file once, which may be a pipe. Its errors are those of Load.
func LoadGiven(path string) (r *Recipe, keys []string, err error) {
	data, err := readFile(path)
	if err != nil {
		return nil, nil, err
	}
	document, err := parseNode(data, path)
	if err != nil {
		return nil, nil, err
	}
	if r, err = decode(document, path); err != nil {
		return nil, nil, err
	}
	r.locate(path)
	if document != nil {
		keys = given(nil, "", document)
	}
	return r, keys, nil
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
