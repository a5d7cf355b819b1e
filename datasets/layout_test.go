// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestLayout(t *testing.T) {
	for name, c := range map[string]struct{ files, want string }{
		"classes":            {"dog/1 cat/1 cat/2", "cat dog: 0=cat/1 0=cat/2 1=dog/1:"},
		"train and test":     {"train/b/1 train/a/1 test/a/2", "a b: 0=train/a/1 1=train/b/1:: 0=test/a/2"},
		"inside a folder":    {"x/train/b/1 x/train/a/1 x/test/b/2", "a b: 0=x/train/a/1 1=x/train/b/1:: 1=x/test/b/2"},
		"inside two folders": {"x/y/b/1 x/y/a/1", "a b: 0=x/y/a/1 1=x/y/b/1:"},
		"in capitals":        {"Training/a/1 Training/b/1 Test/b/2", "a b: 0=Training/a/1 1=Training/b/1:: 1=Test/b/2"},
		"val alone":          {"train/a/1 train/b/1 val/b/2", "a b: 0=train/a/1 1=train/b/1: 1=val/b/2:"},
		"val beside test":    {"train/a/1 train/b/1 val/b/2 test/a/3", "a b: 0=train/a/1 1=train/b/1: 1=val/b/2: 0=test/a/3"},
		"usual names":        {"training_set/a/1 training_set/b/1 Valid/b/2 test-images/a/3", "a b: 0=training_set/a/1 1=training_set/b/1: 1=Valid/b/2: 0=test-images/a/3"},
		"numbers":            {"10/1 9/1 010/1 2/1", "2 9 010 10: 0=2/1 1=9/1 2=010/1 3=10/1:"},
		"not all numbers":    {"10/1 9/1 x/1", "10 9 x: 0=10/1 1=9/1 2=x/1:"},
		"train alone":        {"train/a/1 train/b/1", "a b: 0=train/a/1 1=train/b/1:"},
		"deeper":             {"a/x/1 a/y/2 b/1", "a b: 0=a/x/1 0=a/y/2 1=b/1:"},
		"a class of trains":  {"train/1 bus/1", "bus train: 0=bus/1 1=train/1:"},
		"similar names":      {"a/1 a-b/1 a/2 a.b/3", "a a-b a.b: 0=a/1 0=a/2 1=a-b/1 2=a.b/3:"},
		"beside the folders": {"x/logo x/a/1 x/b/1 logo", "a b: 0=x/a/1 1=x/b/1:"},
	} {
		l, err := newLayout(strings.Fields(c.files))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := strings.Join(l.classes, " ") + ":"
		for _, part := range [][]labelled{l.train, l.validation, l.test} {
			for _, f := range part {
				got += fmt.Sprintf(" %d=%s", f.class, f.name)
			}
			got += ":"
		}
		if got = strings.TrimRight(got, ":"); got != strings.TrimRight(c.want, ":") {
			t.Errorf("%s: %q, not %q", name, got, c.want)
		}
	}
}

func TestLayoutRefuses(t *testing.T) {
	for name, c := range map[string]struct{ files, want string }{
		"nothing":             {"", "one folder of images per class"},
		"no folders":          {"1 2 3", "one folder of images per class"},
		"one class":           {"cat/1 cat/2", "one class only, cat"},
		"a flat test part":    {"train/a/1 train/b/1 test/2", "test/2: not in the folder of a class"},
		"a class to test":     {"train/a/1 train/b/1 test/c/2", "class c has no training images"},
		"a misspelt part":     {"train/a/1 train/b/1 tests/a/2 tests/b/2", "tests, train hold only folders; if they are parts, name them train, validation and test"},
		"a class to validate": {"train/a/1 train/b/1 val/c/2", "class c has no training images"},
		"no training part":    {"val/a/1 val/b/1 test/a/2", "test, val hold only folders"},
		"one training class":  {"train/a/1 test/a/2", "one class only, a"},
	} {
		if _, err := newLayout(strings.Fields(c.files)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, not %q", name, err, c.want)
		}
	}
}

// Files in any order give one layout.
func TestLayoutIgnoresOrder(t *testing.T) {
	files := strings.Fields("train/a/1 train/a/2 train/b/1 test/a/1 test/b/2")
	want, err := newLayout(slices.Clone(files))
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(files)
	got, err := newLayout(files)
	if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v, not %v: %v", got, want, err)
	}
}
