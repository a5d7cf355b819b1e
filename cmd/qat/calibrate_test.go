// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goqat/goqat/evaluate"
	"github.com/goqat/goqat/export"
	"github.com/goqat/goqat/internal/command"
	"github.com/goqat/goqat/ptq"
	"github.com/goqat/goqat/quantize"
)

// TestCalibrate quantizes the float checkpoint of a run without training: the model
// agrees in every integer, its checkpoint verifies against it and is evaluated to
// the same accuracy, and a training starts from it. There is a step for the calibration
// and for each repair, but none for equalize, and a second one for clips.
func TestCalibrate(t *testing.T) {
	r := trained(t)
	dir := t.TempDir()
	model, checkpoint := filepath.Join(dir, "m.qmodel"), filepath.Join(dir, "m.safetensors")
	o := decode[quantize.Outcome](t, mustRun(t, "calibrate", r.file("checkpoint-float.safetensors"), "-o", model, "--checkpoint", checkpoint, "--data", r.data, "--repair", "all", "--json"))
	if o.Verify == nil || o.Verify.IntegerMismatches != 0 || len(o.Repairs) != 1+len(ptq.Repairs()) || len(o.Tensors) == 0 || *o.Accuracy.Integer < *o.Accuracy.Float-0.1 {
		t.Errorf("%+v", o)
	}
	if v := decode[export.Verification](t, mustRun(t, "verify", checkpoint, model, "--data", r.data, "--json")); v != *o.Verify {
		t.Errorf("verify says %+v, calibrate %+v", v, *o.Verify)
	}
	e := decode[evaluate.Evaluation](t, mustRun(t, "eval", model, "--data", r.data, "--json"))
	if *e.Accuracy.Integer != *o.Accuracy.Integer {
		t.Errorf("eval says %v, calibrate %v", *e.Accuracy.Integer, *o.Accuracy.Integer)
	}
}

func TestCalibrateRefuses(t *testing.T) {
	r := trained(t)
	out := filepath.Join(t.TempDir(), "m.qmodel")
	float := r.file("checkpoint-float.safetensors")
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{float}, "-o"},
		{[]string{float, "-o", out, "--calibrator", "msee"}, "--calibrator msee: want minmax, "},
		{[]string{float, "-o", out, "--layer", "fc1"}, "want pattern=calibrator"},
		{[]string{float, "-o", out, "--layer", "nothing=kl"}, `no quantized tensor matches the pattern "nothing"`},
		{[]string{float, "-o", out, "--repair", "glue"}, `there is no repair "glue"`},
		{[]string{float, "-o", out, "--weight-bits", "9"}, "--weight-bits 9: want 2 to 8"},
		{[]string{float, "-o", out, "--granularity", "row"}, "granularity"},
		{[]string{r.model(), "-o", out}, "checkpoint"},
		{[]string{float, "-o", float}, "would be written over"},
		{[]string{float, "-o", out, "--checkpoint", out}, "written twice"},
		{[]string{float, "-o", filepath.Join(out, "m.qmodel")}, "there is no folder"},
		{[]string{float, "-o", strings.TrimSuffix(out, "qmodel") + "onnx"}, "what is written is .qmodel"},
		{[]string{float, "-o", out, "--percentile", "NaN"}, "percentile NaN, want one above 0"},
		{[]string{float, "-o", out, "--deviations", "-1"}, "deviations -1, want a finite number above 0"},
	} {
		_, stderr, code := execute(t, append([]string{"calibrate", "--data", r.data}, c.args...)...)
		if code == command.Done || !strings.Contains(stderr, c.want) || strings.Count(strings.TrimSpace(stderr), "\n") > 0 {
			t.Errorf("%v: exit %d, %q, want %q", c.args, code, stderr, c.want)
		}
		if _, err := os.Stat(out); err == nil {
			t.Errorf("%v: there is a model", c.args)
		}
	}
}

// TestSensitivityGoesOn measures once, cuts the file short, and measures again: the
// numbers are the same.
func TestSensitivityGoesOn(t *testing.T) {
	r := trained(t)
	file := filepath.Join(t.TempDir(), "s.jsonl")
	args := []string{"sensitivity", r.file("checkpoint-float.safetensors"), "--data", r.data, "--bits", "8,2", "-o", file, "--json"}
	first := mustRun(t, args...)
	list := decode[[]ptq.Sensitivity](t, first)
	layers := map[string]bool{}
	for _, s := range list {
		layers[s.Layer] = true
		if s.Bits != 8 && s.Bits != 2 || s.SNRdB == 0 {
			t.Errorf("%+v", s)
		}
	}
	if len(layers) < 2 || len(list) < 2*2*len(layers) {
		t.Errorf("%d measurements of %d layers", len(list), len(layers))
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, data[:len(data)*2/3], 0o644); err != nil {
		t.Fatal(err)
	}
	if again := mustRun(t, args...); again != first {
		t.Errorf("measured again: %s, was %s", again, first)
	}
	_, stderr, code := execute(t, "sensitivity", r.file("checkpoint-float.safetensors"), "--data", r.data, "--calibrator", "kl", "-o", file)
	if code == command.Done || !strings.Contains(stderr, "measurements of something else") {
		t.Errorf("exit %d, %q", code, stderr)
	}
	if _, err := os.Stat(os.DevNull); err == nil { // what would be read of a device has no end, of a pipe no beginning
		mustFail(t, command.Failed, []string{"sensitivity", r.file("checkpoint-float.safetensors"), "--data", r.data, "-o", os.DevNull}, os.DevNull, "read from again")
	}
}
