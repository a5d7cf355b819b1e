// SPDX-License-Identifier: Apache-2.0

package pipeline_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/export"
	"github.com/goqat/goqat/infer"
	"github.com/goqat/goqat/internal/kernel"
	"github.com/goqat/goqat/pipeline"
	"github.com/goqat/goqat/qmodel"
	"github.com/goqat/goqat/recipe"
)

// small returns the quick start on few images, for few epochs.
func small(t testing.TB, settings ...string) *recipe.Recipe {
	t.Helper()
	r := recipe.Default()
	for _, s := range append([]string{
		"model.width=0.1", "data.train_limit=640", "data.test_limit=200", "float.epochs=2", "qat.epochs=2",
		"qat.batchnorm_freeze=1", "out=" + filepath.Join(t.TempDir(), "run"),
	}, settings...) {
		if err := r.Set(s); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

func trained(t *testing.T, r *recipe.Recipe) *pipeline.Summary {
	t.Helper()
	s, err := pipeline.Train(t.Context(), r, pipeline.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTrain(t *testing.T) {
	r := small(t)
	s := trained(t, r)
	if v := s.Verify; v.IntegerMismatches != 0 || v.FakequantMaxSteps > 1 || v.FakequantTop1Agreement < 0.99 || v.Images != 200 || v.Tensors != 7 {
		t.Errorf("verification: %+v", *v)
	}
	if a := *s.Accuracy.Integer; a < 0.5 {
		t.Errorf("integer accuracy %v after four epochs, want better than half", a)
	}
	var records int
	metrics, err := os.ReadFile(filepath.Join(s.Folder, "metrics.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(metrics) {
		var e map[string]any
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatal(err)
		}
		records++
		if clips, ok := e["clips"].(map[string]any); e["phase"] == "qat" && (!ok || len(clips) == 0) {
			t.Errorf("no clips in %s", line)
		}
	}
	if records != 4 {
		t.Errorf("%d lines of metrics, want one for each of four epochs", records)
	}
	for _, f := range []string{"config.yaml", "checkpoint-last.safetensors", "checkpoint-float.safetensors", "checkpoint-best.safetensors", "model.qmodel", "summary.json"} {
		if _, err := os.Stat(filepath.Join(s.Folder, f)); err != nil {
			t.Error(err)
		}
	}
	var held *pipeline.ResumableError
	if _, err := pipeline.Train(t.Context(), r, pipeline.Options{}); !errors.As(err, &held) || held.Folder != r.Out {
		t.Errorf("a second run in the folder: %v, want that it can be resumed", err)
	}
}

// TestConfigRepeatsRun trains from the resolved recipe of a run: the model has
// the same bytes.
func TestConfigRepeatsRun(t *testing.T) {
	first := trained(t, small(t, "float.epochs=1", "qat.epochs=1"))
	r, err := pipeline.LoadRun(first.Folder)
	if err != nil {
		t.Fatal(err)
	}
	r.Out = filepath.Join(t.TempDir(), "again")
	r.Threads = 1
	second := trained(t, r)
	if !bytes.Equal(read(t, first.Folder, "model.qmodel"), read(t, second.Folder, "model.qmodel")) {
		t.Error("the same recipe gave another model")
	}
}

func read(t *testing.T, path ...string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestVerifyCanFail verifies a model against another checkpoint of the same
// network, and against its own after one multiplier was changed by one.
func TestVerifyCanFail(t *testing.T) {
	s := trained(t, small(t))
	pool := kernel.NewPool(1)
	defer pool.Close()
	images := sample(t, 200)
	model := read(t, s.Folder, "model.qmodel")

	verify := func(checkpoint string, m *infer.Model) export.Verification {
		t.Helper()
		n, err := pipeline.Open(filepath.Join(s.Folder, checkpoint), 64, pool)
		if err != nil {
			t.Fatal(err)
		}
		v, err := export.Verify(t.Context(), n.Network, m, images, 1, nil)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	own, err := infer.FromBytes(model)
	if err != nil {
		t.Fatal(err)
	}
	if v := verify("checkpoint-best.safetensors", own); v.IntegerMismatches != 0 {
		t.Errorf("%d mismatches with its own checkpoint", v.IntegerMismatches)
	}
	if v := verify("checkpoint-float.safetensors", own); v.IntegerMismatches == 0 {
		t.Error("no mismatch with another checkpoint")
	}

	q, err := qmodel.Read(bytes.NewReader(model), int64(len(model)))
	if err != nil {
		t.Fatal(err)
	}
	// The logits' common scale is that of one channel or a power of two of it, and
	// that channel's shift is 0: each step of the multiplier shows.
	r := q.Operators[len(q.Operators)-1].Requantizer
	r.M[0][slices.Index(r.Shift, 0)]++
	changed, err := infer.New(q)
	if err != nil {
		t.Fatal(err)
	}
	if v := verify("checkpoint-best.safetensors", changed); v.IntegerMismatches == 0 {
		t.Error("no mismatch after a multiplier was changed")
	}
}

func sample(t *testing.T, n int) datasets.Split {
	t.Helper()
	d, err := datasets.Open("fashion-sample", datasets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return d.Test.Head(n)
}

// TestInterrupt stops a run in the middle and resumes it; the model has the
// bytes of an uninterrupted one.
func TestInterrupt(t *testing.T) {
	for name, settings := range map[string][]string{
		"float 2/2": nil,
		"qat 1/3":   {"qat.epochs=3", "qat.method=lsq", "qat.stages=[{epochs: 2, weight_bits: 8, activation_bits: 8}]"},
		"qat 2/3":   {"qat.epochs=3", "qat.method=lsq", "qat.stages=[{epochs: 2, weight_bits: 8, activation_bits: 32}]"},
	} {
		t.Run(name, func(t *testing.T) { checkInterrupt(t, name, settings) })
	}
}

func checkInterrupt(t *testing.T, epoch string, settings []string) {
	whole := trained(t, small(t, settings...))
	r := small(t, settings...)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := pipeline.Train(ctx, r, pipeline.Options{On: logged(cancelAt{epoch, cancel})})
	var stopped *pipeline.Interrupted
	if !errors.As(err, &stopped) || stopped.Folder != r.Out || !strings.Contains(err.Error(), "can be resumed") {
		t.Fatalf("error %v, want how to resume", err)
	}
	r, err = pipeline.LoadRun(r.Out)
	if err != nil {
		t.Fatal(err)
	}
	s, err := pipeline.Train(t.Context(), r, pipeline.Options{Resume: true})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(read(t, whole.Folder, "model.qmodel"), read(t, s.Folder, "model.qmodel")) {
		t.Error("the resumed run gave another model")
	}
}

// TestInterruptAfterTraining stops a run when it is trained and evaluated on the test images: it
// says how to go on as any other does, and goes on to its end.
func TestInterruptAfterTraining(t *testing.T) {
	r := small(t, "float.epochs=1", "qat.epochs=1")
	ctx, cancel := context.WithCancel(t.Context())
	_, err := pipeline.Train(ctx, r, pipeline.Options{On: logged(cancelAt{"fake-quantized", cancel})})
	var stopped *pipeline.Interrupted
	if !errors.As(err, &stopped) || !stopped.Alone || !errors.Is(err, context.Canceled) || stopped.Folder != r.Out || !strings.Contains(err.Error(), "can be resumed") {
		t.Fatalf("error %v, want how to resume", err)
	}
	if _, err := resume(t, r.Out, false); err != nil {
		t.Error(err)
	}
	read(t, r.Out, "summary.json")
}

// logged returns who writes the events of a training to w, a line each: what a screen
// would show.
func logged(w io.Writer) func(pipeline.Event) {
	title := ""
	return func(e pipeline.Event) {
		switch e := e.(type) {
		case pipeline.Note:
			fmt.Fprintln(w, e.Text)
		case pipeline.EpochBegun:
			title = fmt.Sprintf("%s %d/%d", e.Phase, e.Epoch, e.Epochs)
		case pipeline.EpochEnded:
			fmt.Fprintf(w, "%s  loss %.4f\n", title, e.Loss)
		case pipeline.Progress:
			fmt.Fprintf(w, "%s %d of %d\n", e.What, e.Done, e.Total)
		}
	}
}

// cancelAt cancels when a line with the text is logged.
type cancelAt struct {
	text   string
	cancel func()
}

func (c cancelAt) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte(c.text)) {
		c.cancel()
	}
	return len(b), nil
}

// TestEvents wants the data before the first epoch, and the verification after the
// last.
func TestEvents(t *testing.T) {
	var log bytes.Buffer
	_, err := pipeline.Train(t.Context(), small(t, "float.epochs=1", "qat.epochs=1"), pipeline.Options{On: logged(&log)})
	if err != nil {
		t.Fatal(err)
	}
	data, rest, _ := strings.Cut(log.String(), "\n")
	want := "fashion-sample: 28x28x1, 10 classes (T-shirt/top, Trouser, Pullover, Dress, Coat, Sandal, Shirt, Sneaker, …), 574 train, 66 validation, 200 test"
	if data != want {
		t.Errorf("first line %q, want %q", data, want)
	}
	if _, after, _ := strings.Cut(rest, "qat 1/1  loss"); !strings.Contains(after, "verify 200 of 200") {
		t.Errorf("after the last epoch: %q", after)
	}
}

// TestNoModel trains what cannot be exported: it says so first, and ends
// without a model.
func TestNoModel(t *testing.T) {
	var log bytes.Buffer
	s, err := pipeline.Train(t.Context(), small(t, "float.epochs=1", "qat.epochs=1", "qat.first_last=float"), pipeline.Options{On: logged(&log)})
	if err != nil {
		t.Fatal(err)
	}
	if s.Accuracy.Integer != nil || s.Verify != nil || s.Accuracy.Fakequant == nil {
		t.Errorf("summary %+v", s)
	}
	if first, _, _ := strings.Cut(log.String(), "\n"); !strings.Contains(first, "conv1") || !strings.Contains(first, "first_last") {
		t.Errorf("first line %q, want which layer cannot be exported and why", first)
	}
}
