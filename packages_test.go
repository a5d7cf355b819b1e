// SPDX-License-Identifier: Apache-2.0

package goqat_test

import (
	"os"
	"path"
	"regexp"
	"strings"
	"testing"
)

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
