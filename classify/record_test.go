// SPDX-License-Identifier: Apache-2.0

package classify_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goqat/goqat/classify"
)

// recorded adds the answers of images to a file of answers, those that it lacks, and returns how many
// images it had, how many were added and how many of these failed.
func recorded(t *testing.T, path string, files ...[]classify.Answer) (had, added, failed int) {
	t.Helper()
	r, err := classify.OpenRecord(path, "m", 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, answers := range files {
		if r.Has(answers[0].Image) {
			continue
		}
		if err := r.Add(answers); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(r.Finish(), r.Close()); err != nil {
		t.Fatal(err)
	}
	return r.Known(), r.Written, r.Failed
}

// images returns the images of the lines of a file, those with an error in brackets.
func images(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for line := range strings.Lines(string(text)) {
		_, name, _ := strings.Cut(line, `"image":"`)
		name, _, _ = strings.Cut(name, `"`)
		if strings.Contains(line, `"error":`) {
			name = "(" + name + ")"
		}
		list = append(list, name)
	}
	return strings.Join(list, " ")
}

var cats = []classify.Candidate{{Class: "cat"}}

func good(image string) []classify.Answer {
	return []classify.Answer{{Image: image, Top: cats}}
}

func bad(image, why string) []classify.Answer {
	err := errors.New(why)
	return []classify.Answer{{Image: image, Error: why, Err: err}}
}

// An image that failed is tried again, and its new answer stands for the error, as does another error.
func TestFailedImages(t *testing.T) {
	path := filepath.Join(t.TempDir(), "answers.jsonl")
	for _, c := range []struct {
		name               string
		files              [][]classify.Answer
		had, added, failed int
		lines              string
	}{
		{"first", [][]classify.Answer{good("a"), bad("b", "no file"), bad("c", "no file")}, 0, 3, 2, "a (b) (c)"},
		{"the same", [][]classify.Answer{good("a"), bad("b", "no file"), bad("c", "no file")}, 1, 2, 2, "a (b) (c)"},
		{"other images", [][]classify.Answer{good("d")}, 1, 1, 0, "a (b) (c) d"},
		{"one there, one broken", [][]classify.Answer{good("a"), good("b"), bad("c", "damaged")}, 2, 2, 1, "a d b (c)"},
		{"mended", [][]classify.Answer{good("c")}, 3, 1, 0, "a d b c"},
	} {
		had, added, failed := recorded(t, path, c.files...)
		if lines := images(t, path); had != c.had || added != c.added || failed != c.failed || lines != c.lines {
			t.Errorf("%s: %d, %d, %d, lines %s", c.name, had, added, failed, lines)
		}
	}
	if text, err := os.ReadFile(path); err != nil || strings.Contains(string(text), "error") {
		t.Errorf("%s, %v", text, err)
	}
}

// An error that a stopped program left beside its image's answer goes when all are done, and does not come into a
// Parquet file.
func TestStaleErrors(t *testing.T) {
	for _, name := range []string{"answers.jsonl", "answers.parquet"} {
		path := filepath.Join(t.TempDir(), name)
		r, err := classify.OpenRecord(path, "m", 1)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(r.Add(bad("a", "no file")), r.Close()); err != nil {
			t.Fatal(err)
		}
		if r, err = classify.OpenRecord(path, "m", 1); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(r.Add(good("a")), r.Close()); err != nil { // no Finish: stopped
			t.Fatal(err)
		}
		had, added, _ := recorded(t, path, good("a"), good("b"))
		if had != 1 || added != 1 {
			t.Errorf("%s: had %d, added %d", name, had, added)
		}
		var got string
		if strings.HasSuffix(name, "l") {
			got = images(t, path)
		} else {
			got = strings.Join(append(rows(t, path, "image"), rows(t, path, "error")...), " ")
		}
		if want := map[string]string{"answers.jsonl": "a b", "answers.parquet": "a b - -"}[name]; got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

// A whole Parquet file says how many of its images have an error.
func TestFailedInTable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "answers.parquet")
	recorded(t, path, good("a"), bad("b", "no file"))
	if had, added, failed := recorded(t, path, good("a"), bad("b", "no file")); had != 2 || added != 0 || failed != 1 {
		t.Error(had, added, failed)
	}
}

// A file of several signals whose lines were cut short is done again as a whole.
func TestHalfAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "answers.jsonl")
	table := func(name string) []classify.Answer {
		return []classify.Answer{{Image: name, Row: 1, Top: cats}, {Image: name, Row: 2, Top: cats}, {Image: name, Row: 3, Top: cats}}
	}
	recorded(t, path, table("a"), table("b"))
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text[:len(text)-9], 0o644); err != nil { // two rows and a half
		t.Fatal(err)
	}
	if had, added, _ := recorded(t, path, table("a"), table("b")); had != 1 || added != 1 {
		t.Error(had, added)
	}
	if got := images(t, path); got != "a a a b b b" {
		t.Error(got)
	}
}

// What cannot be read again is no file of answers: reading a terminal or a pipe would not end.
func TestRecordOfStream(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	for _, path := range []string{os.DevNull, fmt.Sprintf("/dev/fd/%d", w.Fd())} {
		if _, err := os.Stat(path); err != nil {
			continue // no such thing on this system
		}
		if _, err := classify.OpenRecord(path, "m", 1); err == nil || !strings.Contains(err.Error(), "is no file that answers could be read from again; name one") {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// A file of answers with other numbers of classes than those to be added is not added to, and stays.
func TestRecordOfOtherTop(t *testing.T) {
	for _, name := range []string{"answers.jsonl", "answers.parquet"} {
		path := filepath.Join(t.TempDir(), name)
		recorded(t, path, bad("b", "no file"), good("a"), good("c"))
		before, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var other *classify.OtherTopError
		if _, err := classify.OpenRecord(path, "m", 3); !errors.As(err, &other) || other.Has != 1 || other.Want != 3 || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", name, err)
		}
		if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
			t.Errorf("%s has changed, %v", name, err)
		}
		if had, _, _ := recorded(t, path, good("a")); had < 2 {
			t.Errorf("%s: had %d", name, had)
		}
	}
}
