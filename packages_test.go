// SPDX-License-Identifier: Apache-2.0

package goqat_test

import (
	"os"
	"path"
	"regexp"
	"strings"
	"testing"
)

// TestPackagesNameNoFlags holds packages to what they know: a program's flags are for its verbs to name, and for
// internal/command, which adds them to what a package advises. The packages whose product is a command to type may
// write one.
func TestPackagesNameNoFlags(t *testing.T) {
	programs := regexp.MustCompile(`^(cmd|bench|examples|tools|findings|diagnose|report|internal/command)(/|$)|(^|/)_`)
	flag := regexp.MustCompile("\"[^\"\n]*(^|[ (\"])--[a-z][^\"\n]*\"")
	sources(t, func(file, code string) {
		if programs.MatchString(path.Dir(file)) || strings.Contains(code, "\npackage main\n") {
			return
		}
		for line := range strings.Lines(code) {
			if text, _, _ := strings.Cut(line, "// "); flag.MatchString(text) {
				t.Errorf("%s: %s: a package names no flag", file, strings.TrimSpace(text))
			}
		}
	})
}

// TestPackagesAreListed holds the list in the comment of the root package to the
// packages that programs can import.
func TestPackagesAreListed(t *testing.T) {
	text, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{".": true}
	for _, item := range regexp.MustCompile(`(?m)^//   - ([a-z/, ]+):`).FindAllStringSubmatch(string(text), -1) {
		for _, name := range strings.Split(item[1], ", ") {
			if listed[name] = true; !exists(name) {
				t.Errorf("doc.go lists %s, which does not exist", name)
			}
		}
	}
	own := regexp.MustCompile(`(^|/)(internal|_?examples|cmd|findings|tools|export|[a-z]*test)(/|$)`)
	sources(t, func(file, code string) {
		if dir := path.Dir(file); !listed[dir] && !own.MatchString(dir) && !strings.Contains(code, "\npackage main\n") {
			listed[dir] = true
			t.Errorf("doc.go does not list %s", dir)
		}
	})
	if !listed["export"] {
		t.Error("doc.go does not list export")
	}
}

// TestMap wants every folder that has Go to be on the map of README.md.
func TestMap(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(text), "## The map")
	list, _, _ = strings.Cut(list, "\n## ")
	shown := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\|((?: `[a-z]+`)+) \\|").FindAllStringSubmatch(list, -1) {
		for _, name := range strings.Fields(strings.ReplaceAll(row[1], "`", "")) {
			if shown[name] = true; !exists(name) {
				t.Errorf("the map of README.md has %s, which does not exist", name)
			}
		}
	}
	sources(t, func(file, _ string) {
		if folder, _, below := strings.Cut(file, "/"); below && !shown[folder] {
			shown[folder] = true
			t.Errorf("the map of README.md does not have %s", folder)
		}
	})
}

// TestDocumentsAreListed wants README.md to link to every document.
func TestDocumentsAreListed(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for file := range texts(t) {
		if folder := path.Dir(file); path.Ext(file) == ".md" && (folder == "docs" || folder == "docs/journal" || folder == "." && file != "README.md") {
			if !strings.Contains(string(readme), "]("+file+")") {
				t.Errorf("README.md does not link to %s", file)
			}
		}
	}
}
