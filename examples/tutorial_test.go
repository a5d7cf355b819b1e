// SPDX-License-Identifier: Apache-2.0

package examples_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// block is a block of the tutorial, of shell, Go or output.
var block = regexp.MustCompile("(?s)```(sh|go|text)\n(.*?)```")

// TestTutorial carries out docs/tutorial.md in an empty folder: all commands, with
// main.go written where it stands. Only the copy of the repository is this one,
// in place of a clone. What the tutorial shows as output has to come, but for
// the numbers with a fraction, and for the images a second, which a machine may
// have others of.
func TestTutorial(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("no shell")
	}
	text, err := os.ReadFile("../docs/tutorial.md")
	if err != nil {
		t.Fatal(err)
	}
	repository, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	commands, output := page(string(text))
	for tutorial, test := range map[string]string{
		"git clone https://github.com/goqat/goqat\n": "",
		"go work init . ./goqat\n":                   "go work init . '" + repository + "'\n",
	} {
		if !strings.Contains(commands, tutorial) {
			t.Fatalf("docs/tutorial.md has no %q", tutorial)
		}
		commands = strings.Replace(commands, tutorial, test, 1)
	}
	dir := t.TempDir()
	bin := filepath.Join(dir, "bin")
	run := exec.Command("sh", "-eu", "-c", commands)
	run.Dir = dir
	run.Env = append(os.Environ(), "GOBIN="+bin, "GOFLAGS=-buildvcs=false", "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	printed, err := run.CombinedOutput()
	if err != nil {
		t.Fatalf("%v:\n%s", err, printed)
	}
	for line := range strings.Lines(output) {
		if !printedLine(string(printed), line) {
			t.Errorf("docs/tutorial.md has %q, which is not in the output:\n%s", line, printed)
		}
	}
}

var (
	fraction = regexp.MustCompile(`\d+\.\d+|\d+ (trained|run)\b`)
	spaces   = regexp.MustCompile(`\s+`)
)

// measured returns a line with its measured numbers and its spaces made alike.
func measured(line string) string {
	return strings.TrimSpace(spaces.ReplaceAllString(fraction.ReplaceAllString(line, "#"), " "))
}
