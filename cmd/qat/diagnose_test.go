// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"

	"github.com/goqat/goqat/diagnose"
	"github.com/goqat/goqat/internal/command"
)

// TestDiagnose examines both checkpoints of a run; the last line is a command.
func TestDiagnose(t *testing.T) {
	r := trained(t)
	for _, file := range []string{"checkpoint-float.safetensors", "checkpoint-best.safetensors"} {
		args := []string{"diagnose", r.file(file), "--data", r.data}
		d := decode[diagnose.Report](t, mustRun(t, append(args, "--json")...))
		if d.Images == 0 || len(d.Layers) < 2 || d.Findings == nil || !strings.HasPrefix(d.Next, "qat ") {
			t.Errorf("%s: %+v", file, d)
		}
		out := mustRun(t, args...)
		lines := strings.Split(strings.TrimSpace(out), "\n")
		if last := lines[len(lines)-1]; last != "next: "+d.Next || !strings.Contains(out, "quantized alone") {
			t.Errorf("%s: %s", file, out)
		}
	}
}

func TestDiagnoseRefuses(t *testing.T) {
	r := trained(t)
	float := r.file("checkpoint-float.safetensors")
	for _, c := range []struct {
		code int
		args []string
		want string
	}{
		{command.Usage, nil, "name a checkpoint"},
		{command.Usage, []string{float, "--bits", "9"}, "--bits 9"},
		{command.Usage, []string{float, "--measure", "-1"}, "--measure -1"},
		{command.Usage, []string{float, "--images", "-1"}, "--images -1: want 1 or more, or 0 for all"},
		{command.Usage, []string{float, "--calibrator", "guess"}, "--calibrator guess: want minmax, "},
		{command.Failed, []string{r.model()}, "checkpoint"},
		{command.Failed, []string{float + ".none"}, "none"},
		{command.Failed, []string{float, "--data", "nowhere"}, "nowhere"},
	} {
		mustFail(t, c.code, append([]string{"diagnose"}, c.args...), c.want)
	}
}
