// SPDX-License-Identifier: Apache-2.0

package recipe_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/goqat/goqat/recipe"
)

// A list is an axis where one value is wanted, and a value where a list is.
func TestGrid(t *testing.T) {
	g, err := recipe.ParseGrid([]byte(`
model: [lenet, {name: mlp, width: 0.5}]
data: {name: [photos/cats, fashion-sample], mean: [0.5]}
qat:
  method: [pact, lsq]
  lr: 0.01
  layers: [{match: "fc*", weight_bits: 8}]
float: {lr: [0.1]}
seed: [1, 2, 3]
`), "grids/bits.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, a := range g.Axes {
		paths = append(paths, a.Path)
	}
	if want := []string{"model", "data.name", "qat.method", "float.lr", "seed"}; !slices.Equal(paths, want) || len(g.Points) != 24 {
		t.Fatalf("axes %v, %d points", paths, len(g.Points))
	}
	for i, want := range map[int]string{
		0: "lenet-cats-pact-lr0.1 1 lenet photos/cats pact", 5: "lenet-cats-lsq-lr0.1 3 lenet photos/cats lsq",
		23: "name-mlp-width-0.5-fashion-sample-lsq-lr0.1 3 mlp fashion-sample lsq",
	} {
		p := g.Points[i]
		if got := fmt.Sprint(p.Name, " ", p.Recipe.Seed, " ", p.Recipe.Model.Name, " ", p.Recipe.Data.Name, " ", p.Recipe.QAT.Method); got != want {
			t.Errorf("point %d is %s, not %s", i, got, want)
		}
		if p.Recipe.Float.LR != 0.1 || len(p.Recipe.QAT.Layers) != 1 || len(p.Recipe.Data.Mean.Values) != 1 {
			t.Errorf("point %d: %s", i, p.Recipe.YAML())
		}
	}
	if g.Points[23].Recipe.Model.Width != 0.5 {
		t.Error("the width is lost")
	}
}

func TestGridNames(t *testing.T) {
	for text, want := range map[string][]string{
		"seed: [4, 5]":                          {"base-4", "base-5"},
		"":                                      {"base-1"},
		"qat: {weight_bits: [8, 4]}":            {"weight_bits8-1", "weight_bits4-1"},
		"qat: {nesterov: [true, false]}":        {"nesterovtrue-1", "nesterovfalse-1"},
		"qat: {lr: [0.1]}\nfloat: {lr: [1e-2]}": {"qat.lr0.1-float.lr1e-2-1"},
		"data: {name: [a/b.npz, ../c/é, 'd e f']}": {"b.npz-1", "name-1", "d-e-f-1"},
	} {
		g, err := recipe.ParseGrid([]byte(text), "some/base.yaml")
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		var names []string
		for _, p := range g.Points {
			names = append(names, fmt.Sprintf("%s-%d", p.Name, p.Recipe.Seed))
		}
		if !slices.Equal(names, want) {
			t.Errorf("%q: %q, not %q", text, names, want)
		}
	}
	for text, want := range map[string]string{
		"qat: {method: [pact, pact]}":                  "two trainings would be called pact-1",
		"qat: {lr: [fast]}":                            "qat.lr must be a number",
		"qat: {weight_bits: []}":                       "must be a whole number",
		"colour: [red, green]":                         "colour",
		"seed: [" + strings.Repeat("1,", 20000) + "1]": "more than",
	} {
		if _, err := recipe.ParseGrid([]byte(text), "g.yaml"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, want %q", text, err, want)
		}
	}
}

// FuzzGrid holds that no text does harm.
func FuzzGrid(f *testing.F) {
	f.Add([]byte("model: [lenet, mlp]\nqat: {method: [pact, lsq]}\nseed: [1, 2]"))
	f.Add([]byte("model: [{kind: linear}]\nx: &a [*a]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		g, err := recipe.ParseGrid(text, "g.yaml")
		if err == nil && (len(g.Points) == 0 || len(g.Points) > 1<<14) {
			t.Errorf("%d points", len(g.Points))
		}
	})
}

// TestFolders: a folder instead of a recipe is named, with what to name instead.
func TestFolders(t *testing.T) {
	dir := t.TempDir()
	_, recipeErr := recipe.Load(dir)
	_, gridErr := recipe.LoadGrid(dir)
	for _, err := range []error{recipeErr, gridErr} {
		if err == nil || !strings.Contains(err.Error(), dir+" is a folder; name a recipe") {
			t.Error(err)
		}
	}
}
