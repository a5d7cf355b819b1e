// SPDX-License-Identifier: Apache-2.0

package command_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/goqat/goqat/internal/command"
)

func TestOutputs(t *testing.T) {
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	if err := os.MkdirAll(file("run"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"in", "config.yaml", "run/config.yaml", "run/metrics.jsonl", "run/model.qmodel", "run/notes"} {
		if err := os.WriteFile(file(name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{"hard": "in", "recipe": "run/config.yaml"} {
		if err := os.Link(file(to), file(link)); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{"soft": "run/config.yaml", "other run": "run"} {
		if err := os.Symlink(file(to), file(link)); err != nil {
			t.Skip(err)
		}
	}
	c := &cobra.Command{Use: "verb"}
	inputs := []string{file("in"), "", file("absent")}
	for _, free := range [][]string{{""}, {file("new"), file("absent")}, {file("config.yaml")}, {file("run/notes")}, {file("run/report.html")}, {file("run/model.qmodel")}} {
		if err := command.Outputs(c, inputs, free...); err != nil {
			t.Errorf("%v: %v", free, err)
		}
	}
	if err := os.WriteFile(file("run/summary.json"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for output, want := range map[string]string{
		"in": "is read and would", "hard": "is read and would", "run": "is a folder", "no/where": "there is no folder", "in/x": "there is no folder",
		"soft": "is a file of the training in ", "other run/config.yaml": "is a file of the training in ", "run/checkpoint-best.safetensors": "is a file of the training in ",
		"run/model.qmodel": "is a file of the training in ",
	} {
		if err := command.Outputs(c, inputs, file("new"), file(output)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", output, err, want)
		}
	}
	if err := command.Outputs(c, inputs, file("new"), dir+"/./new"); err == nil || !strings.Contains(err.Error(), "written twice") {
		t.Error(err)
	}
}
