// SPDX-License-Identifier: Apache-2.0

package examples_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goqat/goqat/export"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/pipeline"
	"github.com/goqat/goqat/qat"
	"github.com/goqat/goqat/recipe"
)

// TestRecipes reads every recipe, builds its network for images of the usual
// size, and asks whether it will export.
func TestRecipes(t *testing.T) {
	files := glob(t, "recipes/*.yaml", "recipes/*/*.yaml")
	pool := graph.NewPool(1)
	defer pool.Close()
	for _, file := range files {
		t.Run(file, func(t *testing.T) {
			r, err := recipe.Load(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := r.Validate(); err != nil {
				t.Fatal(err)
			}
			in := layers.Input{Params: layers.Normalized(0.5, 0.25)}
			in.Height, in.Width, in.Channels = layers.DefaultInput(r.Model.Name)
			r.Batch = 1
			n, err := pipeline.Build(r, in, []string{"this", "that"}, pool)
			if err != nil {
				t.Fatal(err)
			}
			study := r.QAT.WeightBits == qat.FloatBits || r.QAT.ActivationBits == qat.FloatBits
			if err := export.Check(n); (err != nil) != study {
				t.Errorf("for study: %v, export: %v", study, err)
			}
		})
	}
}

// glob returns the files of patterns, at least one of each.
func glob(t *testing.T, patterns ...string) (files []string) {
	t.Helper()
	for _, pattern := range patterns {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("%d files %s, %v", len(found), pattern, err)
		}
		files = append(files, found...)
	}
	return files
}

// TestListed wants every example in README.md of this folder.
func TestListed(t *testing.T) {
	list, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range glob(t, "*/*.go", "*/*.sh", "*/*.py") {
		if folder := filepath.ToSlash(filepath.Dir(file)); !strings.Contains(string(list), "| ["+folder+"](") {
			t.Errorf("README.md does not list %s", folder)
		}
	}
}

// TestReadme holds the Go of README.md to the examples: every line of it is a
// line of theirs, and embed is there whole.
func TestReadme(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	lines := map[string]bool{}
	for _, file := range []string{"train/main.go", "embed/main.go"} {
		program, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(program)) {
			lines[strings.TrimSpace(line)] = true
		}
	}
	embed, err := os.ReadFile("embed/main.go")
	if err != nil {
		t.Fatal(err)
	}
	_, program, _ := strings.Cut(string(embed), "\npackage main\n")
	if !strings.Contains(string(readme), "```go\npackage main\n"+program+"```") {
		t.Error("README.md has not the whole of embed/main.go")
	}
	blocks := strings.Split(string(readme), "```go\n")
	if len(blocks) == 1 {
		t.Fatal("README.md has no Go")
	}
	for _, block := range blocks[1:] {
		block, _, _ = strings.Cut(block, "```")
		for line := range strings.Lines(block) {
			if line = strings.TrimSpace(line); !lines[line] {
				t.Errorf("README.md: %q is in no example", line)
			}
		}
	}
}
