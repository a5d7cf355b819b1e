// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"path/filepath"
	"slices"
	"testing"

	"github.com/goqat/goqat/internal/command"
)

// TestNothingIsWrittenOverWhatIsRead gives every verb its own input as an output: the file
// stays.
func TestNothingIsWrittenOverWhatIsRead(t *testing.T) {
	r := trained(t)
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
	} {
		named := args[len(args)-1]
		before := read(t, named)
		mustFail(t, command.Usage, args, "would be written over")
		if !bytes.Equal(before, read(t, named)) {
			t.Errorf("%v: the file has changed", args)
		}
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
	} {
		mustFail(t, command.Usage, append(slices.Clone(line), folder), folder, "is a folder")
		mustFail(t, command.Usage, append(slices.Clone(line), filepath.Join(folder, "absent", "file")), "there is no folder")
	}
}
