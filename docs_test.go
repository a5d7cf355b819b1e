// SPDX-License-Identifier: Apache-2.0

package goqat_test

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/goqat/goqat/qmodel"
)

// TestFormatKeys wants every key and every operator of a .qmodel to be in its description.
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
	source, err := os.ReadFile("qmodel/qmodel.go")
	if err != nil {
		t.Fatal(err)
	}
	operators := regexp.MustCompile(`(?m)^\t[A-Z]\w*\s+= "(\w+)"`).FindAllStringSubmatch(string(source), -1)
	if len(operators) < 14 {
		t.Errorf("qmodel/qmodel.go names %d operators; has the form of their constants changed?", len(operators))
	}
	for _, m := range operators {
		if !strings.Contains(string(text), "| `"+m[1]+"` |") {
			t.Errorf("docs/format.md does not explain the operator %q", m[1])
		}
	}
}

var link = regexp.MustCompile(`\]\(([^)#: ]+)[^):]*\)`)

// TestLinks wants every file that a document links to.
func TestLinks(t *testing.T) {
	var documents []string
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/*/*.md", "examples/*.md", "examples/*/*.md"} {
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

var namedFile = regexp.MustCompile("`((?:[a-z_0-9]+/)+[a-z_0-9]+\\.go)`")

// TestNamedFiles wants every Go file that a document names by its path; the changelog and
// the journal tell of files that were.
func TestNamedFiles(t *testing.T) {
	for document, text := range texts(t) {
		if path.Ext(document) != ".md" || document == "CHANGELOG.md" || strings.HasPrefix(document, "docs/journal/") {
			continue
		}
		for _, m := range namedFile.FindAllStringSubmatch(text, -1) {
			if !exists(m[1]) && !exists(path.Join(path.Dir(document), m[1])) {
				t.Errorf("%s names %s, which is not there", document, m[1])
			}
		}
	}
}

// citation is how a comment or a document cites a heading with a number, as in
// (docs/numerics.md, 3.1).
var citation = regexp.MustCompile(`(docs/[a-z/]+\.md),\s(?://\s)?(\d+(?:\.\d+)*)`)

// TestCitations wants every heading that is cited by its number.
func TestCitations(t *testing.T) {
	cited := 0
	for file, text := range texts(t) {
		for _, m := range citation.FindAllStringSubmatch(text, -1) {
			cited++
			document, err := os.ReadFile(m[1])
			if err != nil {
				t.Errorf("%s cites %s: %v", file, m[1], err)
				continue
			}
			heading := regexp.MustCompile(`(?m)^#+ ` + regexp.QuoteMeta(m[2]) + `\.? `)
			if !heading.Match(document) {
				t.Errorf("%s cites %s, %s, which has no such heading", file, m[1], m[2])
			}
		}
	}
	if cited == 0 {
		t.Error("nothing cites docs/numerics.md; has the form of citations changed?")
	}
}

// TestRationaleIndex wants the index of RATIONALE.md to lead to questions that are there, to each once.
func TestRationaleIndex(t *testing.T) {
	file, err := os.ReadFile("RATIONALE.md")
	if err != nil {
		t.Fatal(err)
	}
	unused := regexp.MustCompile(`[^\w\- ]`)
	want, linked := map[string]bool{}, map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^## (.+)$`).FindAllStringSubmatch(string(file), -1) {
		want[strings.ReplaceAll(unused.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-")] = true
	}
	index, _, _ := strings.Cut(string(file), "\n## ")
	for _, m := range regexp.MustCompile(`\]\(#([^)]+)\)`).FindAllStringSubmatch(index, -1) {
		if !want[m[1]] || linked[m[1]] {
			t.Errorf("the index leads to %s, which is not there or there before", m[1])
		}
		linked[m[1]] = true
	}
}

// TestWords wants no words that send a reader to a document that is not here, and
// none that say in a roundabout way what "after", "with" or "instead of" say.
func TestWords(t *testing.T) {
	words := regexp.MustCompile(`\((?:the )?contract,|\bbehind an?\b|\bin the place of\b|\bshown only\b`)
	for file, text := range texts(t) {
		for number, line := range strings.Split(text, "\n") {
			if found := words.FindString(line); found != "" && file != "docs_test.go" {
				t.Errorf("%s:%d: %q: say it otherwise", file, number+1, found)
			}
		}
	}
}

// texts returns the Go files and the documents of the module, by path.
func texts(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := fs.WalkDir(os.DirFS("."), ".", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if base := path.Base(file); d.IsDir() && file != "." && (base == "testdata" || base[0] == '.') {
			return fs.SkipDir
		}
		if extension := path.Ext(file); extension != ".go" && extension != ".md" || d.IsDir() {
			return nil
		}
		text, err := os.ReadFile(file)
		files[file] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestNamedTests wants every test that docs/reliability.md names.
func TestNamedTests(t *testing.T) {
	text, err := os.ReadFile("docs/reliability.md")
	if err != nil {
		t.Fatal(err)
	}
	var sources strings.Builder
	err = filepath.WalkDir(".", func(name string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(name, "_test.go") {
			return err
		}
		source, err := os.ReadFile(name)
		sources.Write(source)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range regexp.MustCompile(`\bTest[A-Z]\w+`).FindAllString(string(text), -1) {
		if !strings.Contains(sources.String(), "func "+name) {
			t.Errorf("docs/reliability.md names %s, which is not there", name)
		}
	}
}

// TestChangelogOnce wants each change once: where two branches write the changelog, a merge keeps the lines of both.
func TestChangelogOnce(t *testing.T) {
	text, err := os.ReadFile("CHANGELOG.md")
	if err != nil {
		t.Fatal(err)
	}
	lines := map[string]int{}
	for i, line := range strings.Split(string(text), "\n") {
		if !strings.HasPrefix(line, "* ") {
			continue
		}
		if first := lines[line]; first > 0 {
			t.Errorf("CHANGELOG.md:%d is line %d again: %.60s", i+1, first, line)
		}
		lines[line] = i + 1
	}
}
