// SPDX-License-Identifier: Apache-2.0

package goqat_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// sources calls f for every file of Go that is no test and not generated.
func sources(t *testing.T, f func(path, text string)) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.Contains(path, "_asm") {
			return err
		}
		text, err := os.ReadFile(path)
		f(filepath.ToSlash(path), string(text))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestOperatorTables holds the list of what an operator takes in ARCHITECTURE.md to the
// newest one: the files that know a concatenation are those of the list.
func TestOperatorTables(t *testing.T) {
	text, err := os.ReadFile("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	_, list, ok := strings.Cut(string(text), "**An operator** is")
	if !ok {
		t.Fatal("ARCHITECTURE.md does not say where to add an operator")
	}
	var listed []string
	for _, m := range regexp.MustCompile("`([a-z_/]+\\.(?:go|md))`").FindAllStringSubmatch(list, -1) {
		if listed = append(listed, m[1]); !exists(m[1]) {
			t.Errorf("ARCHITECTURE.md names %s, which does not exist", m[1])
		}
	}
	names := regexp.MustCompile(`\bConcat(enation)?\b|\bemitConcat\b|\bnewConcat\b|"concat"`)
	sources(t, func(path, text string) {
		if names.MatchString(text) && !slices.Contains(listed, path) && !strings.Contains(text, "slices.Concat") {
			t.Errorf("%s knows concatenations; list it in ARCHITECTURE.md, or let a table tell it", path)
		}
	})
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// TestOperatorBranches counts the places outside the tables that tell operators apart,
// by what a reader finds with
//
//	grep -rnE '(==|!=|case) *(qmodel\.|network\.)?(Conv2D|Depthwise|Linear|MaxPool|AvgPool|Flatten|Add|Table|Sign|Concat|Convolution|FullyConnected|Addition|Maximum|Average|Reshape|Drop|Lookup|Concatenation)\b|switch .*\.(Kind|Op) \{' --include=*.go --exclude=*_test.go .
func TestOperatorBranches(t *testing.T) {
	const most = 12
	branch := regexp.MustCompile(`(==|!=|case) *(qmodel\.|network\.)?(Conv2D|Depthwise|Linear|MaxPool|AvgPool|Flatten|Add|Table|Sign|Concat|Convolution|FullyConnected|Addition|Maximum|Average|Reshape|Drop|Lookup|Concatenation)\b|switch .*\.(Kind|Op) \{`)
	var found []string
	sources(t, func(path, text string) {
		for _, line := range strings.Split(text, "\n") {
			if branch.MatchString(line) {
				found = append(found, path+": "+strings.TrimSpace(line))
			}
		}
	})
	if len(found) > most {
		t.Errorf("%d places tell operators apart, want at most %d:\n%s", len(found), most, strings.Join(found, "\n"))
	}
}
