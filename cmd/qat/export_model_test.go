// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goqat/goqat/describe"
	"github.com/goqat/goqat/export/formats"
	"github.com/goqat/goqat/internal/command"
)

// Every format writes what it says, states something of every operator, and writes the same bytes again.
func TestExportFormats(t *testing.T) {
	r := trained(t)
	layers := len(decode[describe.Description](t, mustRun(t, "inspect", r.model(), "--json")).Layers)
	for _, f := range formats.All() {
		t.Run(f.Name, func(t *testing.T) {
			var first string
			for range 2 {
				out := filepath.Join(t.TempDir(), "model"+f.Extension)
				e := decode[formats.Exported](t, mustRun(t, "export", r.model(), "--format", f.Name, "-o", out, "--json"))
				if e.Format != f.Name || len(e.Operators) != layers || len(e.Files) == 0 {
					t.Errorf("%+v of %d layers", e, layers)
				}
				var all strings.Builder
				for _, a := range e.Files {
					content, err := os.ReadFile(a.Path)
					if err != nil || len(content) != a.Bytes {
						t.Fatalf("%s: %d bytes, %v, want %d", a.Path, len(content), err, a.Bytes)
					}
					all.Write(content)
				}
				if first != "" && first != all.String() {
					t.Error("the files of two exports differ")
				}
				first = all.String()
			}
			out := filepath.Join(t.TempDir(), "model"+f.Extension)
			if text := mustRun(t, "export", r.model(), "--format", f.Name, "-o", out); !strings.Contains(text, out) || !strings.Contains(text, "agrees") {
				t.Errorf("%q", text)
			}
		})
	}
}

func TestExportFormatOfOtherFiles(t *testing.T) {
	r := trained(t)
	out := filepath.Join(t.TempDir(), "model.onnx")
	mustFail(t, command.Failed, []string{"export", r.checkpoint(), "--format", "onnx-exact", "-o", out}, r.checkpoint(), "qat export")
	mustFail(t, command.Failed, []string{"compare", r.checkpoint(), out}, r.checkpoint(), "qat export")
	mustFail(t, command.Failed, []string{"compare", r.model(), out, "--data", r.data}, out)
	mustFail(t, command.Failed, []string{"compare", r.model(), r.model(), "--data", r.data}, "onnxruntime")
	mustFail(t, command.Usage, []string{"export", r.model(), "--format", "tensorrt", "-o", out}, "tensorrt", "onnx-exact")
	mustFail(t, command.Usage, []string{"export", r.model(), "--pack", "-o", out}, "--pack", "--format")
	mustFail(t, command.Usage, []string{"export", r.model(), "--format", "onnx", "--bias", "int8", "-o", out}, "int8", "int32")
	mustFail(t, command.Usage, []string{"export", r.model(), "--format", "onnx", "--packing", "dense", "-o", out}, "--packing", "--format onnx")
	mustFail(t, command.Usage, []string{"export", r.checkpoint(), "--packing", "tight", "-o", out}, "tight", "aligned or dense")
	if _, err := os.Stat(out); err == nil {
		t.Error("a file was written")
	}
	mustFail(t, command.Usage, []string{"export", r.model(), "--format", "c", "-o", filepath.Join(t.TempDir(), "model")}, "name it", "model.c")
	folder := t.TempDir()
	if err := os.Mkdir(filepath.Join(folder, "net.h"), 0o755); err != nil {
		t.Fatal(err)
	}
	mustFail(t, command.Usage, []string{"export", r.model(), "--format", "c", "-o", filepath.Join(folder, "net.c")}, "net.h is a folder")
}

// TestRepackModel packs a model densely, and back: the file is shorter, and then the one that it was.
func TestRepackModel(t *testing.T) {
	r := trained(t)
	dense, aligned := filepath.Join(t.TempDir(), "dense.qmodel"), filepath.Join(t.TempDir(), "aligned.qmodel")
	if text := mustRun(t, "export", r.model(), "--packing", "dense", "-o", dense); !strings.HasPrefix(text, dense+", ") {
		t.Errorf("it says %q", text)
	}
	mustRun(t, "export", dense, "--packing", "aligned", "-o", aligned)
	if text := mustRun(t, "inspect", dense); !strings.HasPrefix(text, "qmodel, version 8\n") {
		t.Errorf("it is %q", text)
	}
	var files [3]string
	for i, path := range []string{r.model(), dense, aligned} {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files[i] = string(b)
	}
	if len(files[1]) >= len(files[0]) || files[2] != files[0] {
		t.Errorf("%d bytes packed densely of %d, and %d aligned again", len(files[1]), len(files[0]), len(files[2]))
	}
}
