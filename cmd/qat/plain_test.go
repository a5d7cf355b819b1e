// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/goqat/goqat/internal/command"
	"github.com/goqat/goqat/internal/qmodeltest"
)

// hostileNames clear a screen, forge a line, begin a control sequence with one
// character beyond ASCII, and turn the direction of what follows.
var hostileNames = []string{"a\x1b[2J\x1b]0;title\a", "b\nqat: forged", "c\u009b31m\u202e"}

// TestNamesFromFilesReachTheTerminalEscaped has names of classes, layers, folders and
// images that would write on the screen what they like, in every verb that reads them.
func TestNamesFromFilesReachTheTerminalEscaped(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("its files have no such names")
	}
	dir := t.TempDir()
	m := qmodeltest.Tiny(rand.New(rand.NewPCG(1, 1)))
	m.Name, m.Method, m.Classes = hostileNames[0], hostileNames[1], hostileNames
	m.Operators[1].Name = hostileNames[1]
	m.Operators[1].Method = hostileNames[2]
	m.Tensors[m.Operators[1].Output].Name = hostileNames[1]
	model := filepath.Join(dir, "m\x1b[2J.qmodel")
	f, err := os.Create(model)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := m.Write(f); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(dir, "data")
	for _, part := range []string{"train", "test"} {
		for _, class := range hostileNames {
			folder := filepath.Join(data, part, class)
			if err := os.MkdirAll(folder, 0o755); err != nil {
				t.Fatal(err)
			}
			for i := range 3 {
				if err := writePNG(filepath.Join(folder, strconv.Itoa(i)+class+".png"), drawShape("cross", rand.New(rand.NewPCG(1, uint64(i))))); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	broken := filepath.Join(dir, "x\x1b[2J\nqat: forged.png")
	if err := os.WriteFile(broken, []byte("no image"), 0o644); err != nil {
		t.Fatal(err)
	}
	recipe := filepath.Join(dir, "r\x1b[2J.yaml")
	if err := os.WriteFile(recipe, []byte("\"b\\e[2J\\nqat: forged\": 1"), 0o644); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "out\x1b[2J")
	image := filepath.Join(data, "test", hostileNames[1])
	for _, args := range [][]string{
		{"inspect", model}, {"run", model, image}, {"run", model, image, broken, broken + "2"}, {"run", broken, broken}, {"eval", model, "--data", data},
		{"eval", model, "--data", trained(t).data}, {"bench", model, "--runs", "1"}, {"train", recipe}, {"train", broken}, {hostileNames[1]}, {"train", hostileNames[1]},
		{"train", trained(t).recipe, "--data", data, "--out", out, "--float-epochs", "1", "--epochs", "1"},
		{"inspect", filepath.Join(out, "checkpoint-best.safetensors")}, {"export", model, "--format", "c", "-o", filepath.Join(dir, "net.c")},
		{"verify", filepath.Join(out, "checkpoint-best.safetensors"), filepath.Join(out, "model.qmodel")}, {"train", "--resume", broken},
	} {
		for _, args := range [][]string{args, append(slices.Clone(args), "--json")} {
			stdout, stderr, code := execute(t, args...)
			all := stdout + stderr
			if i := strings.IndexFunc(all, func(r rune) bool { return r != '\n' && !strconv.IsPrint(r) }); i >= 0 {
				t.Errorf("%q: %q in %q", args, all[i:min(len(all), i+10)], all)
			}
			if slices.ContainsFunc(strings.Split(stdout+"\n"+stderr, "\n"), func(line string) bool { return strings.HasPrefix(line, "qat: forged") }) {
				t.Errorf("%q: a forged line in %q", args, all)
			}
			if code == command.Done && args[len(args)-1] == "--json" && !json.Valid([]byte(stdout)) {
				t.Errorf("%q: no JSON: %q", args, stdout)
			}
		}
	}
}
