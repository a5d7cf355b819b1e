// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goqat/goqat/internal/command"
	"github.com/goqat/goqat/search"
)

// TestSearch writes a recipe and the measurements beside it; another search goes on with
// these, and gives the recipe again.
func TestSearch(t *testing.T) {
	r := trained(t)
	file := filepath.Join(t.TempDir(), "mixed.yaml")
	args := []string{"search", r.file("checkpoint-float.safetensors"), "--data", r.data, "--budget", "bits=5", "--bits", "8,2,4,2", "-o", file}
	o := decode[search.Result](t, mustRun(t, append(args, "--json")...))
	if o.Spent.WeightBits > 5 || o.Spent.ActivationBits > 5 || o.Spent.FileBytes == 0 || len(o.Layers) < 2 {
		t.Errorf("%+v", o)
	}
	first, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if out := mustRun(t, args...); !strings.Contains(out, "qat train "+file) || !strings.Contains(out, "bits=5 allows this") {
		t.Errorf("%s", out)
	}
	if out := mustRun(t, "search", r.file("checkpoint-float.safetensors"), "--data", r.data, "--budget", "bytes=100000"); !strings.Contains(out, "activations keep the bits of the checkpoint's recipe") {
		t.Errorf("%s", out)
	}
	again, err := os.ReadFile(file)
	if err != nil || string(again) != string(first) {
		t.Errorf("the second recipe is %s, the first %s", again, first)
	}
	if _, err := os.Stat(file + ".measurements.jsonl"); err != nil {
		t.Error(err)
	}
}

func TestSearchRefuses(t *testing.T) {
	r := trained(t)
	out := filepath.Join(t.TempDir(), "mixed.yaml")
	float := r.file("checkpoint-float.safetensors")
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{float}, "name a budget with --budget: bytes=N"},
		{[]string{float, "--budget", "bytes=much"}, `"bytes=much" is none`},
		{[]string{float, "--budget", "bits=4", "--bits", "9"}, "widths of 2 to 8"},
		{[]string{float, "--budget", "bits=4", "--ranking", "luck"}, "--ranking luck"},
		{[]string{float, "--budget", "bits=4", "--measure", "-1"}, "--measure -1"},
		{[]string{float, "--budget", "bits=4", "--method", "bnn"}, "method bnn has no 2 bits"},
		{[]string{float, "--budget", "bytes=10"}, "with the fewest bits"},
		{[]string{float, "--budget", "bits=4", "-o", float}, "would be written over"},
		{[]string{float, "--budget", "bits=4", "-o", out, "--measurements", out}, "written twice"},
		{[]string{r.model(), "--budget", "bits=4"}, "checkpoint"},
	} {
		_, stderr, code := execute(t, append([]string{"search", "--data", r.data, "-o", out}, c.args...)...)
		if code == command.Done || !strings.Contains(stderr, c.want) || strings.Count(strings.TrimSpace(stderr), "\n") > 0 {
			t.Errorf("%v: exit %d, %q, want %q", c.args, code, stderr, c.want)
		}
		if _, err := os.Stat(out); err == nil {
			t.Errorf("%v: there is a recipe", c.args)
		}
	}
}
