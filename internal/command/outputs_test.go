// SPDX-License-Identifier: Apache-2.0

package command_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/goqat/goqat/internal/command"
)

// named are files that may have any name.
func named(paths ...string) (files []command.File) {
	for _, path := range paths {
		files = append(files, command.Named(path, strings.ToLower(filepath.Ext(path))))
	}
	return files
}

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
		if err := command.Outputs(c, inputs, named(free...)...); err != nil {
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
		if err := command.Outputs(c, inputs, named(file("new"), file(output))...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", output, err, want)
		}
	}
	if err := command.Outputs(c, inputs, named(file("new"), dir+"/./new")...); err == nil || !strings.Contains(err.Error(), "written twice") {
		t.Error(err)
	}
}

// TestOutputsInFoldersThatTakeNone: not even root makes a file in /proc. Where one can be made none is left.
func TestOutputsInFoldersThatTakeNone(t *testing.T) {
	c := &cobra.Command{Use: "verb"}
	if runtime.GOOS == "linux" {
		for _, path := range []string{"/proc/new", "/proc/version"} { // one that is there is replaced by a file beside it
			if err := command.Outputs(c, nil, named(path)...); err == nil || !strings.Contains(err.Error(), "no file can be made in the folder /proc: ") {
				t.Errorf("%s: %v", path, err)
			}
		}
		if err := command.Outputs(c, nil, named("/dev/null")...); err != nil {
			t.Error(err)
		}
	}
	dir := t.TempDir()
	if err := command.Outputs(c, nil, named(filepath.Join(dir, "new"))...); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(dir); len(left) > 0 || err != nil {
		t.Errorf("%v, %v", left, err)
	}
}

// TestNamesOfOutputs takes the endings of a kind of file, and those that mean nothing, and refuses those of other kinds.
func TestNamesOfOutputs(t *testing.T) {
	c := &cobra.Command{Use: "verb"}
	t.Chdir(t.TempDir())
	for path, endings := range map[string][]string{
		"b.qmodel": {".qmodel"}, "b.QMODEL": {".qmodel"}, "b": {".onnx"}, "b.bin": {".onnx"}, "": {".onnx"}, "b.yml": {".yaml", ".yml"}, "b.v1.5": {".csv"},
	} {
		if err := command.Outputs(c, nil, command.Named(path, endings...)); err != nil {
			t.Error(err)
		}
	}
	for path, c := range map[string]struct{ ending, want string }{
		"b.onnx":    {".qmodel", "b.onnx: what is written is .qmodel, not .onnx; name it b.qmodel; qat export --format makes a .onnx of it"},
		"b.C":       {".onnx", "name it b.onnx"},
		"photo.jpg": {".csv", "name it photo.csv"},
		"-":         {".csv", "- is no name of a file; name one, or /dev/stdout"},
	} {
		if err := command.Outputs(&cobra.Command{Use: "verb"}, nil, command.Named(path, c.ending)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", path, err, c.want)
		}
	}
}
