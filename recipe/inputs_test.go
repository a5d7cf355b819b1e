// SPDX-License-Identifier: Apache-2.0

package recipe_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/goqat/goqat/recipe"
)

// TestInputs has lists whose layers read each other by name.
func TestInputs(t *testing.T) {
	for model, want := range map[string]string{
		"[{kind: relu, name: a}, {kind: relu, name: b, inputs: [input]}, {kind: add, inputs: [a, b]}, {kind: linear}]": "",
		"[{kind: relu, name: first}, {kind: add, inputs: [frist, input]}]":                                             `model.layers[1].inputs: "frist" is no layer before it in the list, did you mean "first"?`,
		"[{kind: add, inputs: [later]}, {kind: relu, name: later}]":                                                    `model.layers[0].inputs: "later" is no layer before it in the list`,
		"[{kind: relu, name: a}, {kind: flatten, inputs: [a, input]}]":                                                 `model.layers[1].inputs: a layer of kind flatten reads one layer, not 2`,
		"[{kind: add}]":                 `model.layers[0]: a layer of kind add needs inputs`,
		"[{kind: relu, name: input}]":   `model.layers[0].name is "input", which stands for what the list reads`,
		"[{kind: relu, inputs: input}]": `model.layers[0].inputs must be a list`,
	} {
		r, err := recipe.Parse([]byte("model: "+model), "r.yaml")
		if err == nil {
			err = r.Validate()
		}
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: error %v, want %q", model, err, want)
		}
		if want != "" {
			continue
		}
		again, err := recipe.Parse(r.YAML(), "again.yaml")
		if err != nil || !slices.Equal(again.Model.Layers[2].Inputs, []string{"a", "b"}) {
			t.Errorf("%s is written as\n%s", model, r.YAML())
		}
	}
}
