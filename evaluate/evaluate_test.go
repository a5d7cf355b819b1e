// SPDX-License-Identifier: Apache-2.0

package evaluate_test

import (
	"encoding/csv"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/goqat/goqat/evaluate"
	"github.com/goqat/goqat/infer"
	"github.com/goqat/goqat/pipeline"
	"github.com/goqat/goqat/pipeline/pipelinetest"
)

// TestFilesOfARun: checkpoints and the model are as good as the summary of their training says, a
// file of predictions has a line an image, and the model is what its checkpoint exports to.
func TestFilesOfARun(t *testing.T) {
	run := pipelinetest.Train(t)
	want := run.Summary.Accuracy
	told := map[string]bool{}
	images := pipeline.TestImages{Reading: pipeline.Reading{On: func(e pipeline.Event) {
		if p, ok := e.(pipeline.Progress); ok && p.Done == p.Total {
			told[p.What] = true
		}
	}}}
	o := infer.Options{Threads: 2}
	e, err := evaluate.File(t.Context(), run.File("checkpoint-best.safetensors"), images, o)
	if err != nil || e.Mode != evaluate.Fakequant || *e.Accuracy.Fakequant != *want.Fakequant || e.Accuracy.Float == nil || e.Accuracy.Integer != nil {
		t.Errorf("%+v, %v", e, err)
	}
	if e, err = evaluate.File(t.Context(), run.File("checkpoint-float.safetensors"), images, o); err != nil || e.Mode != evaluate.Float || *e.Accuracy.Float != *want.Float {
		t.Errorf("%+v, %v", e, err)
	}
	if _, err = evaluate.File(t.Context(), run.File("model.qmodel"), images, o); !errors.Is(err, evaluate.ErrNoData) {
		t.Errorf("%v", err)
	}
	images.Data = run.Data
	if e, err = evaluate.File(t.Context(), run.File("model.qmodel"), images, o); err != nil {
		t.Fatal(err)
	}
	if e.Mode != evaluate.Integer || *e.Accuracy.Integer != *want.Integer || e.Images != run.Summary.TestImages || e.Accuracy.Balanced != want.Balanced {
		t.Errorf("%+v, want %+v", e.Accuracy, want)
	}
	for _, what := range []string{"float", "fakequant", "integer", "images"} {
		if !told[what] {
			t.Errorf("nothing was told of %s", what)
		}
	}
	path := filepath.Join(t.TempDir(), "p.csv")
	if err := e.WritePredictions(path); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if lines, err := csv.NewReader(f).ReadAll(); err != nil || len(lines) != 1+e.Images {
		t.Errorf("%v, %v", lines, err)
	}
	images.Most = 3
	v, err := evaluate.Verify(t.Context(), run.File("checkpoint-best.safetensors"), run.File("model.qmodel"), images, 1)
	if err != nil || v.Images != 3 || v.IntegerMismatches != 0 {
		t.Errorf("%+v, %v", v, err)
	}
	if _, err := evaluate.Verify(t.Context(), run.File("checkpoint-float.safetensors"), run.File("model.qmodel"), images, 1); err == nil {
		t.Error("a float checkpoint verifies")
	}
}
