// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"testing"

	"github.com/goqat/goqat/internal/command"
)

// TestExportNeverWritesOverWhatItReads gives export its own input as the output, by
// every form: the file stays.
func TestExportNeverWritesOverWhatItReads(t *testing.T) {
	r := trained(t)
	for _, args := range [][]string{
		{"export", r.checkpoint(), "-o", r.checkpoint()},
		{"export", r.model(), "--format", "onnx", "-o", r.model()},
		{"export", r.model(), "--format", "c", "-o", r.model()},
	} {
		before := read(t, args[1])
		mustFail(t, command.Usage, args, "would be written over")
		if !bytes.Equal(before, read(t, args[1])) {
			t.Errorf("%v: the file has changed", args)
		}
	}
}
