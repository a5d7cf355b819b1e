// SPDX-License-Identifier: Apache-2.0

package recipe_test

import (
	"strings"
	"testing"

	"github.com/goqat/goqat/recipe"
)

// TestWindowForms reads every spelling of a window, and reads again what is written.
func TestWindowForms(t *testing.T) {
	for _, c := range []struct {
		layer string
		want  recipe.Layer
	}{
		{"kernel: 3", recipe.Layer{Kernel: recipe.Pair{3, 3}}},
		{"kernel: [3, 5], stride: [1, 2], dilation: 2", recipe.Layer{Kernel: recipe.Pair{3, 5}, Stride: recipe.Pair{1, 2}, Dilation: recipe.Pair{2, 2}}},
		{"kernel: 1, pad: 2", recipe.Layer{Kernel: recipe.Pair{1, 1}, Pad: recipe.Pad{Sides: [4]int{2, 2, 2, 2}}}},
		{"kernel: 1, pad: [2, 1]", recipe.Layer{Kernel: recipe.Pair{1, 1}, Pad: recipe.Pad{Sides: [4]int{2, 1, 2, 1}}}},
		{"kernel: 1, pad: [1, 2, 3, 4]", recipe.Layer{Kernel: recipe.Pair{1, 1}, Pad: recipe.Pad{Sides: [4]int{1, 2, 3, 4}}}},
		{"kernel: 1, pad: same", recipe.Layer{Kernel: recipe.Pair{1, 1}, Pad: recipe.Pad{Same: true}}},
	} {
		r, err := recipe.Parse([]byte("model: [{kind: depthwise, "+c.layer+"}, {kind: linear}]"), "r.yaml")
		if err != nil {
			t.Errorf("%s: %v", c.layer, err)
			continue
		}
		again, err := recipe.Parse(r.YAML(), "again.yaml")
		if err != nil {
			t.Fatalf("%s: %v in\n%s", c.layer, err, r.YAML())
		}
		for _, got := range []*recipe.Recipe{r, again} {
			l := got.Model.Layers[0]
			if l.Kernel != c.want.Kernel || l.Stride != c.want.Stride || l.Dilation != c.want.Dilation || l.Pad != c.want.Pad {
				t.Errorf("%s is %+v, want %+v", c.layer, l, c.want)
			}
		}
		if err := r.Validate(); err != nil {
			t.Errorf("%s: %v", c.layer, err)
		}
	}
}

func TestWindowErrors(t *testing.T) {
	for layer, want := range map[string]string{
		"kernel: [3]":                      "model.layers[0].kernel must be a whole number or [height, width]",
		"kernel: [3, 3, 3]":                "model.layers[0].kernel must be a whole number or [height, width]",
		"kernel: 03":                       "model.layers[0].kernel must be a whole number or [height, width]",
		"kernel: 2.5":                      "model.layers[0].kernel must be a whole number or [height, width]",
		"kernel: {h: 1}":                   "model.layers[0].kernel must be a whole number or [height, width]",
		"kernel: 3, pad: valid":            "model.layers[0].pad must be a whole number, [height, width], [top, left, bottom, right] or same",
		"kernel: 3, pad: [1, 2, 3]":        "model.layers[0].pad must be a whole number",
		"kernel: [3, 0]":                   "model.layers[0].kernel is 0, must be from 1 to 65536",
		"kernel: 3, pad: -1":               "model.layers[0].pad is -1, must be from 0 to 65536",
		"kernel: 3, dilation: [1, 100000]": "model.layers[0].dilation is 100000, must be from 1 to 65536",
	} {
		r, err := recipe.Parse([]byte("model: [{kind: depthwise, "+layer+"}, {kind: linear}]"), "r.yaml")
		if err == nil {
			err = r.Validate()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", layer, err, want)
		}
	}
}
