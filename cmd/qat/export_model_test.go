// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goqat/goqat/describe"
)

// Every format writes what it says, states something of every operator, and writes the same bytes again.
func TestExportFormats(t *testing.T) {
	r := trained(t)
	layers := len(decode[describe.Description](t, mustRun(t, "inspect", r.model(), "--json")).Layers)
	for _, f := range formats {
		t.Run(f.name, func(t *testing.T) {
			var first string
			for range 2 {
				out := filepath.Join(t.TempDir(), "model"+f.extension)
				e := decode[exported](t, mustRun(t, "export", r.model(), "--format", f.name, "-o", out, "--json"))
				if e.Format != f.name || len(e.Operators) != layers || len(e.Files) == 0 {
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
			out := filepath.Join(t.TempDir(), "model"+f.extension)
			if text := mustRun(t, "export", r.model(), "--format", f.name, "-o", out); !strings.Contains(text, out) || !strings.Contains(text, "agrees") {
				t.Errorf("%q", text)
			}
		})
	}
}

func TestExportFormatOfOtherFiles(t *testing.T) {
	r := trained(t)
	out := filepath.Join(t.TempDir(), "model.onnx")
	mustFail(t, exitFailed, []string{"export", r.checkpoint(), "--format", "onnx-exact", "-o", out}, r.checkpoint(), "qat export")
	mustFail(t, exitFailed, []string{"compare", r.checkpoint(), out}, r.checkpoint(), "qat export")
	mustFail(t, exitFailed, []string{"compare", r.model(), out, "--data", r.data}, out)
	mustFail(t, exitFailed, []string{"compare", r.model(), r.model(), "--data", r.data}, "onnxruntime")
	mustFail(t, exitUsage, []string{"export", r.model(), "--format", "tensorrt", "-o", out}, "tensorrt", "onnx-exact")
	mustFail(t, exitUsage, []string{"export", r.model(), "--pack", "-o", out}, "--pack", "--format")
	mustFail(t, exitUsage, []string{"export", r.model(), "--format", "onnx", "--bias", "int8", "-o", out}, "int8", "int32")
	if _, err := os.Stat(out); err == nil {
		t.Error("a file was written")
	}
}
