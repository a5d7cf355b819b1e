// SPDX-License-Identifier: Apache-2.0

package quantize_test

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/goqat/goqat/calibrate"
	"github.com/goqat/goqat/pipeline/pipelinetest"
	"github.com/goqat/goqat/ptq"
	"github.com/goqat/goqat/quantize"
)

func settings() quantize.Settings {
	return quantize.Settings{
		Threads: 1, Calibrator: calibrate.Default, Numbers: calibrate.Options{Percentile: 99, Deviations: 3},
		Images: 32, WeightBits: 8, ActivationBits: 8, FirstLast: "8", Granularity: "per_channel",
	}
}

// TestCheckpoint quantizes the float checkpoint of a run, with every repair, to a model of the same integers.
func TestCheckpoint(t *testing.T) {
	run := pipelinetest.Train(t)
	float, dir := run.File("checkpoint-float.safetensors"), t.TempDir()
	out, keep := filepath.Join(dir, "m.qmodel"), filepath.Join(dir, "c.safetensors")
	s := settings()
	o, err := quantize.Checkpoint(t.Context(), float, &s, []string{quantize.All}, out, keep)
	if err != nil {
		t.Fatal(err)
	}
	stat, err := os.Stat(out)
	if err != nil || o.Bytes != stat.Size() || o.Verify.IntegerMismatches != 0 || *o.Accuracy.Float != *run.Summary.Accuracy.Float || len(o.Repairs) < 2 || len(o.Tensors) == 0 {
		t.Errorf("%+v, %v", o, err)
	}
	if _, err := os.Stat(keep); err != nil {
		t.Error(err)
	}

	// Measurements cut short are gone on with, those of something else are refused.
	record := filepath.Join(dir, "s.jsonl")
	first, err := quantize.Sensitivity(t.Context(), float, s, []int{8, 2}, 5, record)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(record)
	if err != nil || bytes.Count(whole, []byte("\n")) != 1+len(first) {
		t.Errorf("%s, %v", whole, err)
	}
	if err := os.WriteFile(record, whole[:len(whole)*2/3], 0o644); err != nil {
		t.Fatal(err)
	}
	again, err := quantize.Sensitivity(t.Context(), float, s, []int{8, 2}, 5, record)
	if after, _ := os.ReadFile(record); err != nil || !reflect.DeepEqual(again, first) || !bytes.Equal(after, whole) {
		t.Errorf("%+v, %v", again, err)
	}
	if _, err := quantize.Sensitivity(t.Context(), float, s, []int{8}, 6, record); err == nil || !strings.Contains(err.Error(), "something else") {
		t.Errorf("%v", err)
	}
}

func TestRepairs(t *testing.T) {
	for want, names := range map[string][]string{
		`no repair "x"; choose from`: {"x"},
		`no repair ""`:               {"bias", ""},
		"all of them":                {"bias", quantize.All},
	} {
		if err := quantize.CheckRepairs(names); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	for _, names := range [][]string{nil, {quantize.All}, ptq.Repairs()} {
		if err := quantize.CheckRepairs(names); err != nil {
			t.Errorf("%v: %v", names, err)
		}
	}
}

func TestSettings(t *testing.T) {
	for want, change := range map[string]func(s *quantize.Settings){
		"percentile 0":          func(s *quantize.Settings) { s.Numbers.Percentile = 0 },
		"deviations 0,":         func(s *quantize.Settings) { s.Numbers.Deviations = 0 },
		"-1 images":             func(s *quantize.Settings) { s.Images = -1 },
		"want pattern=":         func(s *quantize.Settings) { s.Exceptions = []string{"fc*"} },
		`no calibrator "x"`:     func(s *quantize.Settings) { s.Exceptions = []string{"fc*=x"} },
		`no calibrator "other"`: func(s *quantize.Settings) { s.Calibrator = "other" },
	} {
		s := settings()
		if err := s.Check(); err != nil {
			t.Fatal(err)
		}
		change(&s)
		if err := s.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
