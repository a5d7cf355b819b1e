// SPDX-License-Identifier: Apache-2.0

package goqat_test

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/goqat/goqat/qmodel"
)

// TestFormatKeys wants every key of a .qmodel to be in its description.
func TestFormatKeys(t *testing.T) {
	text, err := os.ReadFile("docs/format.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []any{qmodel.Input{}, qmodel.Tensor{}, qmodel.Operator{}, qmodel.Weights{}} {
		for _, f := range reflect.VisibleFields(reflect.TypeOf(v)) {
			key, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if key != "-" && !strings.Contains(string(text), "`"+key+"`") {
				t.Errorf("docs/format.md does not explain the key %q of %T", key, v)
			}
		}
	}
	for _, op := range []string{
		qmodel.Conv2D, qmodel.Depthwise, qmodel.Linear, qmodel.MaxPool, qmodel.AvgPool, qmodel.Flatten, qmodel.Add, qmodel.Table, qmodel.Sign,
	} {
		if !strings.Contains(string(text), "| `"+op+"` |") {
			t.Errorf("docs/format.md does not explain the operator %q", op)
		}
	}
}

var link = regexp.MustCompile(`\]\(([^)#: ]+)[^):]*\)`)

// TestLinks wants every file that a document links to.
func TestLinks(t *testing.T) {
	var documents []string
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/*/*.md", "examples/*/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		documents = append(documents, found...)
	}
	for _, document := range documents {
		text, err := os.ReadFile(document)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(document), m[1])); err != nil {
				t.Errorf("%s links to %s, which is not there", document, m[1])
			}
		}
	}
}
