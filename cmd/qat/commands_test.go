// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/goqat/goqat/recipe"
)

var (
	codeSpan  = regexp.MustCompile("`[^`]+`")
	commandOf = regexp.MustCompile(`(?:^|[\s(;$"|])(?:\./|/)?(?:cmd/)?qat ((?:[a-z]+(?:[ )"']|$)|--)[^|;&>#]*)`)
	setting   = regexp.MustCompile(`^[a-z_.]+=\S+$`)
)

// TestCommandsOfDocuments wants every command in documents, scripts and examples to name a verb that there is, with flags that
// the verb has and keys that a recipe has. The changelog and the journal tell of commands that were.
func TestCommandsOfDocuments(t *testing.T) {
	top, keys, count := newRoot(), recipe.Keys(), 0
	check := func(where, command string) {
		words := strings.FieldsFunc(command, func(r rune) bool { return strings.ContainsRune(" \t\"'()[],", r) })
		c, rest, err := top.Find(words)
		if err != nil || !c.HasParent() && !strings.HasPrefix(command, "--") {
			t.Errorf("%s: qat %s: there is no such verb", where, command)
			return
		}
		count++
		c.InitDefaultHelpFlag()
		for i, word := range rest {
			name, value, _ := strings.Cut(word, "=")
			var f *pflag.Flag
			switch {
			case strings.HasPrefix(word, "--") && len(name) > 2:
				f = c.Flags().Lookup(name[2:])
			case strings.HasPrefix(word, "-") && len(word) == 2:
				f = c.Flags().ShorthandLookup(word[1:])
			default:
				continue
			}
			if f == nil {
				t.Errorf("%s: qat %s: there is no flag %s", where, command, word)
				continue
			}
			if value == "" && i+1 < len(rest) {
				value = rest[i+1]
			}
			if f.Name == "set" && setting.MatchString(value) {
				key, _, _ := strings.Cut(value, "=")
				if !slices.ContainsFunc(keys, func(k recipe.Key) bool { return k.Path == key || strings.HasPrefix(k.Path, key+".") }) {
					t.Errorf("%s: qat %s: a recipe has no %s", where, command, key)
				}
			}
		}
	}
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(root, path)
		switch {
		case d.IsDir() && name != "." && (d.Name() == "testdata" || d.Name()[0] == '.'), name == filepath.Join("docs", "journal"):
			return fs.SkipDir
		case d.IsDir(), d.Name() == "CHANGELOG.md", !slices.Contains([]string{".md", ".sh", ".yaml", ".yml", ""}, filepath.Ext(name)):
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		fenced := filepath.Ext(name) != ".md"
		for line := range strings.Lines(strings.ReplaceAll(string(text), "\\\n", " ")) {
			line = strings.TrimSpace(line)
			if strings.HasPrefix(line, "```") {
				fenced = !fenced
			}
			spans := []string{line}
			if strings.HasPrefix(line, "#") {
				spans = nil // a comment, or a heading
			} else if !fenced {
				spans = codeSpan.FindAllString(line, -1)
			}
			for _, span := range spans {
				for _, m := range commandOf.FindAllStringSubmatch(strings.Trim(span, "`"), -1) {
					check(name, m[1])
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if count < 150 {
		t.Errorf("%d commands were found; has the form of documents changed?", count)
	}
}
