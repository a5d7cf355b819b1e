// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/recipe"
)

// TestList builds the networks of all names, and those of the examples, again from what List says of them.
func TestList(t *testing.T) {
	recipes := map[string]*recipe.Recipe{}
	for _, name := range layers.Names() {
		recipes[name] = recipe.Default()
		recipes[name].Model = recipe.Model{Name: name, Width: 0.25}
	}
	files, err := filepath.Glob("../examples/recipes/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if recipes[file], err = recipe.Parse(text, file); err != nil {
			t.Fatal(err)
		}
	}
	for name, r := range recipes {
		m, err := module(r, 10)
		if err != nil {
			t.Fatal(err)
		}
		want, err := layers.Trace(m, 32, 32, 3)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		list, err := List(want)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		r.Model = recipe.Model{Name: "again", Width: 1, Layers: list}
		read, err := recipe.Parse(r.YAML(), name) // what is written is what is read
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := read.Validate(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if m, err = module(read, 10); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got, err := layers.Trace(m, 32, 32, 3)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got.String() != want.String() {
			t.Errorf("%s: listed\n%swant\n%s", name, got, want)
		}
	}
}

// TestTraced builds networks again from themselves as modules.
func TestTraced(t *testing.T) {
	for _, name := range layers.Names() {
		m, err := layers.Named(name, 0.25, 10)
		if err != nil {
			t.Fatal(err)
		}
		want, err := layers.Trace(m, 32, 32, 3)
		if err != nil {
			t.Fatal(err)
		}
		got, err := layers.Trace(layers.Traced{Network: want}, 32, 32, 3)
		if err != nil {
			t.Fatal(err)
		}
		if got.String() != want.String() {
			t.Errorf("%s: traced\n%swant\n%s", name, got, want)
		}
	}
}
