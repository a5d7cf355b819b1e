// SPDX-License-Identifier: Apache-2.0

package goqat_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The most lines of a file of the program qat, and of all files of the verbs below.
const (
	mostVerbLines = 120
	mostVerbsAll  = 1500
)

// firstVerbs are the files of the program that the limit on all of them holds; verbs that
// came later have the limit on a file alone.
var firstVerbs = strings.Fields(`main root flags recipe_flags train train_print run eval bench bench_train bench_print inspect inspect_print
	export export_model verify compare data methods version quantize table`)

// TestVerbsAreShort wants flags and printing alone in the program: what grows beyond that
// is a library, and belongs in a package with tests.
func TestVerbsAreShort(t *testing.T) {
	files, err := filepath.Glob("cmd/qat/*.go")
	if err != nil {
		t.Fatal(err)
	}
	lines := map[string]int{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		n := bytes.Count(text, []byte("\n"))
		lines[strings.TrimSuffix(filepath.Base(file), ".go")] = n
		if n > mostVerbLines && !strings.HasSuffix(file, "_test.go") {
			t.Errorf("%s has %d lines, more than %d", file, n, mostVerbLines)
		}
	}
	all := 0
	for _, verb := range firstVerbs {
		if lines[verb] == 0 {
			t.Errorf("there is no cmd/qat/%s.go", verb)
		}
		all += lines[verb]
	}
	if all > mostVerbsAll {
		t.Errorf("the first verbs have %d lines, more than %d", all, mostVerbsAll)
	}
}
