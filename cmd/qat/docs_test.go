// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/goqat/goqat/internal/command"
	"github.com/goqat/goqat/recipe"
)

var update = flag.Bool("update", false, "write testdata/help and docs/cli anew")

// verbs returns every command that people see, the groups too.
func verbs(c *cobra.Command) []*cobra.Command {
	list := []*cobra.Command{c}
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			list = append(list, verbs(sub)...)
		}
	}
	return list
}

func fileName(c *cobra.Command) string { return strings.ReplaceAll(c.CommandPath(), " ", "-") }

// golden compares got with the file at path, or writes it with -update.
func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is out of date: go test ./cmd/qat -update\ngot:\n%s", path, got)
	}
}

func TestHelp(t *testing.T) {
	for _, c := range verbs(newRoot()) {
		t.Run(c.CommandPath(), func(t *testing.T) {
			args := append(strings.Fields(c.CommandPath())[1:], "--help")
			stdout, stderr, code := execute(t, args...)
			if code != command.Done || stderr != "" {
				t.Fatalf("exit %d, %q", code, stderr)
			}
			if !strings.Contains(stdout, "Examples:\n  qat ") {
				t.Error("there is no example")
			}
			golden(t, filepath.Join("testdata", "help", fileName(c)+".golden"), []byte(stdout))
		})
	}
}

func TestDocs(t *testing.T) {
	folder := filepath.Join("..", "..", "docs", "cli")
	pages := map[string]bool{}
	for _, c := range verbs(newRoot()) {
		name := fileName(c) + ".md"
		pages[name] = true
		golden(t, filepath.Join(folder, name), page(c))
	}
	files, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !pages[f.Name()] {
			t.Errorf("docs/cli/%s describes no command", f.Name())
		}
	}
}

// page returns the documentation of a command.
func page(c *cobra.Command) []byte {
	var b bytes.Buffer
	long := c.Long
	if long == "" {
		long = c.Short + "."
	}
	fmt.Fprintf(&b, "# %s\n\n%s\n\n", c.CommandPath(), long)
	if !c.HasAvailableSubCommands() || c.Runnable() && c.HasAvailableLocalFlags() && c.HasParent() {
		fmt.Fprintf(&b, "```\n%s\n```\n\n", c.UseLine())
	}
	fmt.Fprintf(&b, "## Examples\n\n```\n%s\n```\n", outdent(c.Example))
	c.InitDefaultHelpFlag()
	if flags := c.NonInheritedFlags(); flags.HasAvailableFlags() {
		fmt.Fprintf(&b, "\n## Flags\n\n```\n%s```\n", outdent(flags.FlagUsages()))
	}
	var subs []*cobra.Command
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			subs = append(subs, sub)
		}
	}
	if len(subs) > 0 {
		b.WriteString("\n## Commands\n\n")
	}
	for _, sub := range subs {
		fmt.Fprintf(&b, "* [%s](%s.md): %s\n", sub.CommandPath(), fileName(sub), sub.Short)
	}
	return b.Bytes()
}

// outdent removes the two spaces that cobra wants before every line.
func outdent(s string) string {
	return strings.ReplaceAll(strings.TrimPrefix(s, "  "), "\n  ", "\n")
}

// TestRecipePage wants docs/recipe.md to have every key as its comment explains it, and every kind of layers.
func TestRecipePage(t *testing.T) {
	var page strings.Builder
	page.WriteString("# The keys of a recipe\n\nGenerated from the comments of package recipe by `go test ./cmd/qat -update`; `qat recipe` prints the same.\n" +
		"A recipe is a YAML file that says what differs from these defaults, those of the quick start; `--set key=value` changes one.\n\n| Key | Default | Meaning |\n|---|---|---|\n")
	cell := strings.NewReplacer("|", "\\|", "<", "&lt;", "*", "\\*")
	for _, k := range recipe.Keys() {
		value := ""
		if k.Default != "" {
			value = "`" + k.Default + "`"
		}
		fmt.Fprintf(&page, "| `%s` | %s | %s |\n", k.Path, value, cell.Replace(k.Comment))
	}
	page.WriteString("\n## Kinds of layers\n\nA layer of a list has a `kind`, may have a `name` and `inputs`, and of the other keys those of its kind.\n\n" +
		"| Kind | Keys | Must be given |\n|---|---|---|\n")
	for _, kind := range recipe.Kinds() {
		fields, required := recipe.Fields(kind)
		fmt.Fprintf(&page, "| `%s` | %s | %s |\n", kind, code(fields), code(required))
	}
	golden(t, filepath.Join("..", "..", "docs", "recipe.md"), []byte(page.String()))
}

// code writes words as code.
func code(words []string) string {
	if len(words) == 0 {
		return ""
	}
	return "`" + strings.Join(words, "` `") + "`"
}
