// SPDX-License-Identifier: Apache-2.0

package examples_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestPyTorch carries out docs/pytorch.md in an empty folder, as TestTutorial does that page: all but the part in Python,
// of which the file is in the repository.
func TestPyTorch(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("no shell")
	}
	text, err := os.ReadFile("../docs/pytorch.md")
	if err != nil {
		t.Fatal(err)
	}
	repository, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	const setup = "go mod init example.org/pytorch\ngo work init . \"$GOQAT\"\ngo install github.com/goqat/goqat/cmd/qat\n"
	commands, output := page(string(text))
	dir := t.TempDir()
	bin := filepath.Join(dir, "bin")
	run := exec.Command("sh", "-eu", "-c", setup+commands)
	run.Dir = dir
	run.Env = append(os.Environ(), "GOQAT="+repository, "GOBIN="+bin, "GOFLAGS=-buildvcs=false", "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	printed, err := run.CombinedOutput()
	if err != nil {
		t.Fatalf("%v:\n%s", err, printed)
	}
	for line := range strings.Lines(output) {
		if !printedLine(string(printed), line) {
			t.Errorf("docs/pytorch.md has %q, which is not in the output:\n%s", line, printed)
		}
	}
}

// page returns the commands of a page, with main.go written where it stands, and what it shows as output.
func page(text string) (commands, output string) {
	var script, shown strings.Builder
	for _, m := range block.FindAllStringSubmatch(text, -1) {
		switch kind, content := m[1], m[2]; kind {
		case "sh":
			script.WriteString(content)
		case "go":
			script.WriteString("cat >main.go <<'END'\n" + content + "END\n")
		case "text":
			shown.WriteString(content)
		}
	}
	return script.String(), shown.String()
}

// printedLine says whether a line came, but for measured numbers.
func printedLine(printed, want string) bool {
	for line := range strings.Lines(printed) {
		if measured(line) == measured(want) {
			return true
		}
	}
	return false
}
