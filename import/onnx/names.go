// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"fmt"
	"strings"
)

// names gives operators names that are unique and that recipes take.
type names struct {
	taken  map[string]bool
	counts map[string]int
}

func newNames() names {
	return names{map[string]bool{"image": true, "input": true}, map[string]int{}}
}

// of names an operator after its weights, as PyTorch's modules are called ("layer1.0.conv1" of "layer1.0.conv1.weight"), after
// the node where a module can be told from that ("/layer1/layer1.0/conv1/Conv"), or by its kind and a number.
func (s *names) of(node, weights, kind string) string {
	name, named := strings.CutSuffix(weights, ".weight")
	if !named || strings.Contains(name, "::") {
		name = module(node)
	}
	const longest = 64
	if name = plain(name); len(name) > longest {
		name = name[len(name)-longest:]
	}
	if name = strings.Trim(name, "._-"); name == "" || s.taken[name] {
		base := name
		if base == "" {
			base = kind
		}
		for {
			s.counts[base]++
			if name = fmt.Sprintf("%s%d", base, s.counts[base]); base != kind {
				name = fmt.Sprintf("%s.%d", base, s.counts[base]+1)
			}
			if !s.taken[name] {
				break
			}
		}
	}
	s.taken[name] = true
	return name
}

// module returns the path of the module that a node is of: that of the node without what is repeated in it.
func module(node string) string {
	parts := strings.Split(strings.Trim(node, "/"), "/")
	if len(parts) < 2 {
		return ""
	}
	var path []string
	for _, p := range parts[:len(parts)-1] {
		if n := len(path); n > 0 && strings.HasPrefix(p, path[n-1]+".") {
			path[n-1] = p
			continue
		}
		path = append(path, p)
	}
	return strings.Join(path, ".")
}

// plain leaves letters, digits, dots, dashes and underscores.
func plain(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9', r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r == '.', r == '-', r == '_':
			return r
		case r == '/' || r == ':':
			return '.'
		}
		return -1
	}, name)
}
