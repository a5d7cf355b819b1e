// SPDX-License-Identifier: Apache-2.0

package evaluate_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/goqat/goqat/evaluate"
	"github.com/goqat/goqat/infer"
	"github.com/goqat/goqat/internal/share"
	"github.com/goqat/goqat/pipeline"
	"github.com/goqat/goqat/pipeline/pipelinetest"
)

// The parts of an evaluation make the whole, of a folder whose test images a training held
// out and of a data set in one file, of a checkpoint and of a model.
func TestParts(t *testing.T) {
	run := pipelinetest.Train(t)
	dir := t.TempDir()
	for _, c := range []struct {
		file string
		most int
	}{{"model.qmodel", 0}, {"checkpoint-best.safetensors", 0}, {"model.qmodel", 7}} {
		images := pipeline.TestImages{Data: run.Data, Most: c.most}
		want, err := evaluate.File(t.Context(), run.File(c.file), images, infer.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if want.Total != want.Images || c.most > 0 && want.Images != c.most {
			t.Errorf("%d of %d images", want.Images, want.Total)
		}
		var files []string
		for i := range 3 {
			out := filepath.Join(dir, fmt.Sprintf("%s-%d-%d.json", c.file, c.most, i))
			images.Part = share.Part{Index: i, Of: 3}
			images.Reading.On = nil
			made, err := evaluate.Once(t.Context(), out, run.File(c.file), images, infer.Options{})
			if err != nil {
				t.Fatal(err)
			}
			noted := false
			images.Reading.On = func(e pipeline.Event) {
				noted = noted || strings.Contains(fmt.Sprint(e), "remove it to evaluate again")
			}
			again, err := evaluate.Once(t.Context(), out, run.File(c.file), images, infer.Options{Batch: -1}) // read, not made
			if err != nil || !noted || made.Images != again.Images || made.Total != want.Total {
				t.Fatal(err, again)
			}
			if err := again.WritePredictions(out + ".csv"); err == nil || !strings.Contains(err.Error(), "no predictions") {
				t.Error(err)
			}
			files = append(files, out)
		}
		got, err := evaluate.ReadParts(files)
		if err != nil {
			t.Fatal(err)
		}
		if got.Images != want.Images || !reflect.DeepEqual(got.Accuracy, want.Accuracy) || !reflect.DeepEqual(got.PerClass, want.PerClass) || !reflect.DeepEqual(got.Confusion, want.Confusion) || got.Mode != want.Mode {
			t.Errorf("%s: %+v, not %+v", c.file, got, want)
		}
		if _, err := evaluate.ReadParts(files[1:]); err == nil || !strings.Contains(err.Error(), "part 0/3 is missing") {
			t.Error(err)
		}
		if _, err := evaluate.ReadParts(append(files, files[2])); err == nil || !strings.Contains(err.Error(), "part 2/3 is there twice") {
			t.Error(err)
		}
		if _, err := evaluate.Once(t.Context(), files[0], run.File(c.file), images, infer.Options{}); err == nil || !strings.Contains(err.Error(), "another part") {
			t.Error(err)
		}
		images.Seed = new(int)
		*images.Seed = 5
		if _, err := evaluate.Once(t.Context(), files[2], run.File(c.file), images, infer.Options{}); err == nil || !strings.Contains(err.Error(), "other images") {
			t.Errorf("images chosen by another seed: %v", err)
		}
	}
	if _, err := evaluate.File(t.Context(), run.File("model.qmodel"), pipeline.TestImages{Data: run.Data, Part: share.Part{Index: 99, Of: 100}}, infer.Options{}); err == nil || !strings.Contains(err.Error(), "more parts than images") {
		t.Error(err)
	}
	if _, err := evaluate.ReadParts([]string{t.TempDir(), t.TempDir()}); err == nil || !strings.Contains(err.Error(), "is a folder; name evaluations") {
		t.Error(err)
	}
	if _, err := evaluate.ReadParts([]string{run.File("summary.json")}); err == nil || !strings.Contains(err.Error(), "is no evaluation") {
		t.Error(err)
	}
}

// A stream is written to, never read: that would not end.
func TestOnceToStream(t *testing.T) {
	run := pipelinetest.Train(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	out := fmt.Sprintf("/dev/fd/%d", w.Fd())
	if _, err := os.Stat(out); err != nil {
		t.Skip("this system has no paths of open files")
	}
	written := make(chan error, 1)
	text := &bytes.Buffer{}
	go func() {
		_, err := text.ReadFrom(r)
		written <- err
	}()
	made, err := evaluate.Once(t.Context(), out, run.File("model.qmodel"), pipeline.TestImages{Data: run.Data, Most: 7}, infer.Options{})
	w.Close()
	if err := errors.Join(err, <-written); err != nil {
		t.Fatal(err)
	}
	var got evaluate.Evaluation
	if err := json.Unmarshal(text.Bytes(), &got); err != nil || got.Images != made.Images || got.Images != 7 {
		t.Errorf("%v, %d images, %s", err, got.Images, text)
	}
}
