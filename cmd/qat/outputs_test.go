// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/goqat/goqat/internal/command"
)

// TestNothingIsWrittenOverWhatIsRead gives every verb its own input as an output, or a file of a run folder: the
// file stays.
func TestNothingIsWrittenOverWhatIsRead(t *testing.T) {
	r := trained(t)
	labels := filepath.Join(t.TempDir(), "labels.csv")
	if err := os.WriteFile(labels, []byte("path,label\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"export", r.checkpoint(), "-o", r.checkpoint()},
		{"export", r.model(), "--format", "onnx", "-o", r.model()},
		{"export", r.model(), "--format", "c", "-o", r.model()},
		{"eval", r.model(), "--data", r.data, "--predictions", r.model()},
		{"report", r.model(), "-o", r.model()},
		{"report", r.folder, "-o", r.model()},
		{"calibrate", r.checkpoint(), "-o", r.checkpoint()},
		{"sensitivity", r.checkpoint(), "-o", r.checkpoint()},
		{"sensitivity", r.checkpoint(), "--chart", r.checkpoint()},
		{"search", r.checkpoint(), "--budget", "bits=4", "-o", r.checkpoint()},
		{"search", r.checkpoint(), "--budget", "bits=4", "-o", filepath.Join(r.folder, "config.yaml")},
		{"search", r.checkpoint(), "--budget", "bits=4", "-o", filepath.Join(t.TempDir(), "new.yaml"), "--measurements", filepath.Join(r.folder, "metrics.jsonl")},
		{"calibrate", r.checkpoint(), "-o", filepath.Join(t.TempDir(), "new.qmodel"), "--checkpoint", filepath.Join(r.folder, "checkpoint-float.safetensors")},
		{"export", r.checkpoint(), "-o", r.model()},
		{"eval", r.model(), "--data", r.data, "--out", filepath.Join(r.folder, "summary.json")},
		{"eval", r.model(), "--data", labels, "--predictions", labels},
		{"run", r.model(), r.data, "--out", filepath.Join(r.folder, "metrics.jsonl")},
		{"run", r.model(), "--files", labels, "--out", labels},
		{"table", filepath.Dir(r.folder), "--csv", filepath.Join(r.folder, "summary.json")},
	} {
		named := args[len(args)-1]
		before := read(t, named)
		mustFail(t, command.Usage, args, "would be written over")
		if !bytes.Equal(before, read(t, named)) {
			t.Errorf("%v: the file has changed", args)
		}
	}
}

// TestOutputsOfAnotherKind names a file of one kind where another is written.
func TestOutputsOfAnotherKind(t *testing.T) {
	r := trained(t)
	folder := t.TempDir()
	for _, line := range [][]string{
		{"export", r.checkpoint(), "-o", "x.onnx"}, {"export", r.model(), "--format", "onnx", "-o", "x.c"}, {"export", r.model(), "--format", "tflite", "-o", "x.onnx"},
		{"export", r.model(), "--format", "c", "-o", "x.h"}, {"export", r.model(), "--format", "qonnx", "-o", "x.qmodel"},
		{"calibrate", r.checkpoint(), "-o", "x.safetensors"}, {"calibrate", r.checkpoint(), "-o", filepath.Join(folder, "y.qmodel"), "--checkpoint", "x.qmodel"},
		{"sensitivity", r.checkpoint(), "-o", "x.csv"}, {"sensitivity", r.checkpoint(), "--chart", "x.png"}, {"search", r.checkpoint(), "--budget", "bits=4", "-o", "x.qmodel"},
		{"eval", r.model(), "--data", r.data, "--predictions", "x.json"}, {"eval", r.model(), "--data", r.data, "--out", "x.csv"},
		{"report", r.folder, "-o", "x.csv"}, {"table", filepath.Dir(r.folder), "--csv", "x.svg"}, {"table", filepath.Dir(r.folder), "--chart", "x.csv"},
		{"run", r.model(), r.data, "--out", "x.csv"},
	} {
		name := line[len(line)-1]
		line[len(line)-1] = filepath.Join(folder, name)
		mustFail(t, command.Usage, line, "what is written is ", "not "+filepath.Ext(name), "; name it ")
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
		t.Errorf("%v, %v", left, err)
	}
}

// TestOutputsThatAreFolders names a folder, and a folder that is not there, where every
// verb wants a file: it is said before anything is computed.
func TestOutputsThatAreFolders(t *testing.T) {
	r := trained(t)
	folder := t.TempDir()
	for _, line := range [][]string{
		{"export", r.checkpoint(), "-o"}, {"export", r.model(), "--format", "onnx", "-o"},
		{"eval", r.model(), "--data", r.data, "--predictions"}, {"report", r.folder, "-o"}, {"calibrate", r.checkpoint(), "-o"},
		{"sensitivity", r.checkpoint(), "-o"}, {"sensitivity", r.checkpoint(), "--chart"},
		{"search", r.checkpoint(), "--budget", "bits=4", "-o"}, {"table", filepath.Dir(r.folder), "--chart"},
		{"run", r.model(), r.data, "--out"},
	} {
		mustFail(t, command.Usage, append(slices.Clone(line), folder), folder, "is a folder")
		mustFail(t, command.Usage, append(slices.Clone(line), filepath.Join(folder, "absent", "file")), "there is no folder")
	}
}
