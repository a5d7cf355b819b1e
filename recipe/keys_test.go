// SPDX-License-Identifier: Apache-2.0

package recipe_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/goqat/goqat/recipe"
)

// TestKeys wants every key of a written recipe to be listed, each with an explanation.
func TestKeys(t *testing.T) {
	known := map[string]recipe.Key{}
	for _, k := range recipe.Keys() {
		if _, twice := known[k.Path]; twice {
			t.Errorf("%s is listed twice", k.Path)
		}
		known[k.Path] = k
		if k.Comment == "" {
			t.Errorf("%s has no comment", k.Path)
		}
	}
	for _, want := range []recipe.Key{
		{Path: "qat.lr", Default: "0.003"}, {Path: "data.augment.crop", Default: "4%"}, {Path: "qat.threshold", Default: "0.05"},
		{Path: "class_weights", Default: "none"}, {Path: "qat.layers[].match"}, {Path: "model.layers[].kernel"}, {Path: "batch", Default: "64"},
	} {
		if got, ok := known[want.Path]; !ok || got.Default != want.Default || got.Group {
			t.Errorf("%s: %+v, want the default %q", want.Path, got, want.Default)
		}
	}
	for _, kind := range recipe.Kinds() {
		if !regexp.MustCompile(`\b` + kind + `\b`).MatchString(known["model.layers[].kind"].Comment) {
			t.Errorf("model.layers[].kind: the comment does not have %s", kind)
		}
	}
	if !known["float"].Group || !strings.Contains(known["float"].Comment, "without quantization") {
		t.Errorf("%+v", known["float"])
	}
}
