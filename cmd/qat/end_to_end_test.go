// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/goqat/goqat/benchmark"
	"github.com/goqat/goqat/classify"
	"github.com/goqat/goqat/describe"
	"github.com/goqat/goqat/dist"
	"github.com/goqat/goqat/evaluate"
	"github.com/goqat/goqat/export"
	"github.com/goqat/goqat/internal/command"
	"github.com/goqat/goqat/internal/term"
	"github.com/goqat/goqat/internal/version"
	"github.com/goqat/goqat/pipeline"
	"github.com/goqat/goqat/recipe"
)

// decode reads one JSON document with exactly the fields of T, every one.
func decode[T any](t *testing.T, text string) T {
	t.Helper()
	var v T
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	if _, err := d.Token(); err != io.EOF {
		t.Fatalf("more than one document in %s", text)
	}
	return v
}

// wantKeys wants all the keys, as paths, in a JSON document; a list stands for its
// first element.
func wantKeys(t *testing.T, text string, keys ...string) {
	t.Helper()
	var document any
	if err := json.Unmarshal([]byte(text), &document); err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		at := document
		for _, part := range strings.Split(key, ".") {
			if list, ok := at.([]any); ok && len(list) > 0 {
				at = list[0]
			}
			object, _ := at.(map[string]any)
			value, ok := object[part]
			if !ok {
				t.Errorf("no %s in %s", key, text)
				break
			}
			at = value
		}
	}
}

// A run from a folder of images to the names of its classes, verb by verb.

func TestTrainSummary(t *testing.T) {
	r := trained(t)
	wantKeys(t, r.stdout, "model", "parameters", "macs", "data", "method", "weight_bits", "activation_bits", "first_last", "seed",
		"train_images", "validation_images", "test_images", "accuracy.float", "accuracy.fakequant", "accuracy.integer", "accuracy.validation",
		"verify.images", "verify.tensors", "verify.integer_mismatches", "verify.fakequant_top1_agreement", "verify.fakequant_max_steps",
		"verify.fakequant_differing", "size_bytes.float", "size_bytes.integer", "seconds.float", "seconds.qat", "seconds.export", "seconds.total",
		"train_images_per_second.float", "train_images_per_second.qat")
	s := decode[pipeline.Summary](t, r.stdout)
	if s.TrainImages+s.ValidationImages+s.TestImages != 120 || s.Verify.Images != s.TestImages {
		t.Errorf("%+v does not account for 120 images", s)
	}
	if s.Verify.IntegerMismatches != 0 || *s.Accuracy.Integer < 0.9 {
		t.Errorf("%d mismatches, accuracy %v", s.Verify.IntegerMismatches, *s.Accuracy.Integer)
	}
	file, err := os.ReadFile(r.file("summary.json"))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(decode[pipeline.Summary](t, string(file)), s) {
		t.Errorf("summary.json is %s, printed was %s", file, r.stdout)
	}
	for _, name := range []string{"config.yaml", "metrics.jsonl", "checkpoint-last.safetensors", "checkpoint-float.safetensors"} {
		if _, err := os.Stat(r.file(name)); err != nil {
			t.Error(err)
		}
	}
}

func TestPrintSummary(t *testing.T) {
	accuracy := 0.5
	var s pipeline.Summary
	s.Model, s.Width, s.Method = "lenet", 0.25, "pact"
	for _, c := range []struct {
		change       func()
		want, absent string
	}{
		{func() { s.Accuracy.Float = &accuracy }, "left out (qat.epochs: 0)", "fake-quantized"},
		{func() { s.Accuracy.Fakequant = &accuracy }, "fake-quantized", "integer  "},
		{func() { s.Accuracy.Float = nil }, "export refuses the network", "float  "},
		{func() { s.Accuracy.Integer, s.Verify = &accuracy, &export.Verification{} }, "0 integers differ", "there is no"},
		{func() {}, "lenet ×0.25, pact", ""},
		{func() { s.Width = 1 }, "lenet, pact", "×"},
	} {
		c.change()
		var b strings.Builder
		printSummary(term.NewPage(&b), &s, true)
		if !strings.Contains(b.String(), "--skip-broken  how well") || !strings.Contains(b.String(), c.want) || c.absent != "" && strings.Contains(b.String(), c.absent) {
			t.Errorf("want %q, not %q, in\n%s", c.want, c.absent, b.String())
		}
	}
}

func TestEval(t *testing.T) {
	r := trained(t)
	s := decode[pipeline.Summary](t, r.stdout)
	predictions := filepath.Join(t.TempDir(), "predictions.csv")

	e := decode[evaluate.Evaluation](t, mustRun(t, "eval", r.model(), "--data", r.data, "--predictions", predictions, "--json"))
	if e.Mode != "integer" || e.Images != s.TestImages || *e.Accuracy.Integer != *s.Accuracy.Integer || e.Accuracy.Float != nil || e.Accuracy.Fakequant != nil {
		t.Errorf("model: %+v, trained to %v", e, *s.Accuracy.Integer)
	}
	if !reflect.DeepEqual(e.PerClass, s.PerClass) || !reflect.DeepEqual(e.Confusion, s.Confusion) ||
		e.Accuracy.Balanced != s.Accuracy.Balanced || e.Accuracy.StandardError != s.Accuracy.StandardError || e.Accuracy.Balanced == 0 {
		t.Errorf("eval says %+v, the summary %+v, %v, %v", e, s.Accuracy, s.PerClass, s.Confusion)
	}
	var images int
	var right float64
	for i, c := range e.PerClass {
		if c.Class != shapeClasses[i] {
			t.Errorf("class %d is %q", i, c.Class)
		}
		images += c.Images
		right += *c.Accuracy * float64(c.Images)
	}
	if images != e.Images || math.Abs(right/float64(images)-*e.Accuracy.Integer) > 1e-9 {
		t.Errorf("classes add up to %v of %d, not to %v", right, images, *e.Accuracy.Integer)
	}

	f, err := os.Open(predictions)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil || len(rows) != images+1 || !slices.Equal(rows[0], []string{"image", "label", "prediction"}) {
		t.Fatalf("%v, %d lines", err, len(rows))
	}
	for _, row := range rows[1:] {
		if row[1] == row[2] {
			right--
		}
	}
	if math.Abs(right) > 1e-6 {
		t.Errorf("predictions differ from the accuracy by %v images", right)
	}

	// A checkpoint knows its data.
	e = decode[evaluate.Evaluation](t, mustRun(t, "eval", r.checkpoint(), "--json"))
	if e.Mode != "fakequant" || *e.Accuracy.Fakequant != *s.Accuracy.Fakequant || e.Accuracy.Float == nil || e.Accuracy.Integer != nil {
		t.Errorf("checkpoint: %+v, trained to %v", e, *s.Accuracy.Fakequant)
	}
	e = decode[evaluate.Evaluation](t, mustRun(t, "eval", r.file("checkpoint-float.safetensors"), "--data", r.data, "--json"))
	if e.Mode != "float" || *e.Accuracy.Float != *s.Accuracy.Float || e.Accuracy.Fakequant != nil {
		t.Errorf("float checkpoint: %+v, trained to %v", e, *s.Accuracy.Float)
	}

	table, log, _ := execute(t, "eval", r.model(), "--data", r.data)
	for _, want := range append(shapeClasses, "class", "all, integer") {
		if !strings.Contains(table, want) {
			t.Errorf("no %q in\n%s", want, table)
		}
	}
	if note := fmt.Sprintf("note: %d of 120 images of the folder of the training taken, those held out by seed 1", s.TestImages); !strings.HasPrefix(log, note) {
		t.Errorf("%q is not in %q", note, log)
	}
}

// Of a folder that the model was not trained with every image is used, and its predictions name the files; --seed takes those that it chooses.
func TestEvalOfAnotherFolderUsesAllImages(t *testing.T) {
	r := trained(t)
	data := t.TempDir()
	if err := writeShapes(filepath.Join(data, "test"), 10, 77); err != nil {
		t.Fatal(err)
	}
	predictions := filepath.Join(t.TempDir(), "predictions.csv")
	for _, file := range []string{r.model(), r.checkpoint()} {
		out, log, code := execute(t, "eval", file, "--data", data, "--json", "--predictions", predictions)
		if e := decode[evaluate.Evaluation](t, out); code != 0 || e.Images != 30 || !strings.Contains(log, "note: all of 30 images taken, since the model was not trained with these files") {
			t.Errorf("%s: %d images, %s", file, e.Images, log)
		}
		if rows := string(read(t, predictions)); !strings.Contains(rows, "\ntest/circle/") || strings.Count(rows, "\n") != 31 {
			t.Errorf("%s", rows)
		}
	}
	if e := decode[evaluate.Evaluation](t, mustRun(t, "eval", r.model(), "--data", data, "--seed", "2", "--json")); e.Images < 3 || e.Images > 15 {
		t.Errorf("%d of 30 images by a seed", e.Images)
	}
}

// Broken files are named at once, in training, evaluation and verification, or left out.
func TestSkipBroken(t *testing.T) {
	r := trained(t)
	data := t.TempDir()
	if err := writeShapes(data, 10, 77); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a.png", "b.jpg"} {
		if err := os.WriteFile(filepath.Join(data, "cross", name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"2 files cannot be read: cross/a.png, cross/b.jpg: an empty file", "--skip-broken"}
	mustFail(t, 1, []string{"train", "--data", data, "--out", filepath.Join(t.TempDir(), "run")}, want...)
	mustFail(t, 1, []string{"eval", r.model(), "--data", data}, want...)
	mustFail(t, 1, []string{"verify", r.checkpoint(), r.model(), "--data", data}, want...)
	if e := decode[evaluate.Evaluation](t, mustRun(t, "eval", r.model(), "--data", data, "--skip-broken", "--json")); e.Images != 30 {
		t.Errorf("%d images", e.Images)
	}
}

// What run finds in a folder: links are followed, files of other formats have an error, others are counted.
func TestRunFindsWhatTrainingFinds(t *testing.T) {
	r := trained(t)
	store, dir := t.TempDir(), t.TempDir()
	if err := writeShapes(store, 1, 5); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(store, "cross"), filepath.Join(dir, "cross")); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
	for name, content := range map[string]string{"x.webp": "RIFF\x10\x00\x00\x00WEBPVP8 ", "notes.txt": "hello"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	out, log, code := execute(t, "run", r.model(), dir, "--json")
	if results := decode[[]classify.Answer](t, out); code != 1 || len(results) != 2 || results[0].Error != "" || !strings.Contains(results[1].Error, "WebP") {
		t.Errorf("%d: %+v", code, results)
	}
	if !strings.Contains(log, "left out, no image by its name: 1 file (notes.txt)") {
		t.Errorf("%q", log)
	}
}

// Classes are matched by name, wherever they are in the order.
func TestEvalRelabels(t *testing.T) {
	r := trained(t)
	data := t.TempDir()
	for part, seed := range map[string]uint64{"train": 5, "test": 6} {
		if err := writeShapes(filepath.Join(data, part), 4, seed); err != nil {
			t.Fatal(err)
		}
		if err := os.RemoveAll(filepath.Join(data, part, "circle")); err != nil { // the others move up
			t.Fatal(err)
		}
	}
	e := decode[evaluate.Evaluation](t, mustRun(t, "eval", r.model(), "--data", data, "--json"))
	if e.Images != 8 || e.PerClass[0].Images != 0 || e.PerClass[0].Accuracy != nil || e.PerClass[2].Images != 4 || *e.Accuracy.Integer < 0.75 {
		t.Errorf("%+v", e)
	}
}

func TestVerify(t *testing.T) {
	r := trained(t)
	v := decode[export.Verification](t, mustRun(t, "verify", r.checkpoint(), r.model(), "--data", r.data, "--json"))
	s := decode[pipeline.Summary](t, r.stdout)
	if !reflect.DeepEqual(v, *s.Verify) {
		t.Errorf("%+v, in training %+v", v, *s.Verify)
	}
	if text := mustRun(t, "verify", r.checkpoint(), r.model(), "--images", "3"); !strings.Contains(text, "3 images") || !strings.Contains(text, "0 integers differ") {
		t.Errorf("%s", text)
	}
}

// A model of other numbers is told from the checkpoint's.
func TestVerifyFails(t *testing.T) {
	r := trained(t)
	stdout, stderr, code := execute(t, "verify", r.file("checkpoint-last.safetensors"), changedModel(t, r), "--json")
	if v := decode[export.Verification](t, stdout); code != command.Failed || v.IntegerMismatches == 0 {
		t.Errorf("exit %d, %+v", code, v)
	}
	if !strings.Contains(stderr, "integers differ between") {
		t.Errorf("%q", stderr)
	}
}

func TestExport(t *testing.T) {
	r := trained(t)
	out := filepath.Join(t.TempDir(), "again.qmodel")
	if text := mustRun(t, "export", r.checkpoint(), "-o", out); !strings.HasPrefix(text, out) {
		t.Errorf("%q", text)
	}
	again, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if first, err := os.ReadFile(r.model()); err != nil || string(first) != string(again) {
		t.Errorf("the model exported again differs: %v", err)
	}
}

func TestRun(t *testing.T) {
	r := trained(t)
	folder := t.TempDir()
	args := []string{"run", r.model(), "--top", "2", "--json"}
	random := rand.New(rand.NewPCG(77, 0))
	for _, class := range shapeClasses {
		path := filepath.Join(folder, class+".png")
		if err := writePNG(path, drawShape(class, random)); err != nil {
			t.Fatal(err)
		}
		args = append(args, path)
	}
	results := decode[[]classify.Answer](t, mustRun(t, args...))
	if len(results) != len(shapeClasses) {
		t.Fatalf("%d results", len(results))
	}
	for i, class := range shapeClasses {
		top := results[i].Top
		if results[i].Image != args[5+i] || len(top) != 2 || top[0].Class != class {
			t.Errorf("%s: %+v", class, results[i])
		}
		if p, q := top[0].Probability, top[1].Probability; p < q || q <= 0 || p+q > 1 || top[0].Logit < top[1].Logit {
			t.Errorf("%s: %+v", class, top)
		}
	}
	if text := mustRun(t, "run", r.model(), args[6], "--kernel", "reference"); !strings.Contains(text, "cross") {
		t.Errorf("%s", text)
	}
	if err := os.WriteFile(filepath.Join(folder, "notes.txt"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if got := decode[[]classify.Answer](t, mustRun(t, append(args[:5:5], folder)...)); !reflect.DeepEqual(got, results) {
		t.Errorf("of the folder %+v, of its files %+v", got, results)
	}
	var out, log bytes.Buffer
	if code := command.Execute(t.Context(), newRoot(), []string{"run", r.model(), "-", "--top", "1"}, bytes.NewReader(read(t, args[6])), &out, &log); code != command.Done || !strings.Contains(out.String(), "cross") {
		t.Errorf("exit %d, %s%s", code, &out, &log)
	}
}

func TestInspect(t *testing.T) {
	r := trained(t)
	text := mustRun(t, "inspect", r.model(), "--json")
	wantKeys(t, text, "kind", "version", "model", "method", "classes", "input", "arena_bytes", "file_bytes", "layers.name", "layers.operator",
		"layers.method", "layers.weight_bits", "layers.activation_bits", "layers.shape", "layers.output", "layers.macs", "layers.bytes",
		"layers.accumulator_bits", "layers.kernel")
	d := decode[describe.Description](t, text)
	if d.Kind != "qmodel" || d.Method != "pact" || !slices.Equal(d.Classes, shapeClasses) || d.Input != [3]int{shapeSize, shapeSize, 1} {
		t.Errorf("%+v", d)
	}
	first, hidden := d.Layers[0], d.Layers[len(d.Layers)-2]
	if first.Name != "conv" || first.WeightBits != 8 || first.ActivationBits != 8 || !slices.Equal(first.Shape, []int{8, 3, 3, 1}) ||
		first.Output != [3]int{5, 5, 8} || first.MACs != 5*5*8*9 {
		t.Errorf("%+v", first)
	}
	if hidden.Name != "hidden" || hidden.WeightBits != 4 || hidden.ActivationBits != 4 || hidden.AccumulatorBits == 0 || hidden.EnergyUJ >= hidden.Float32UJ/4 {
		t.Errorf("%+v", hidden)
	}
	// The checkpoint shows the integers that it exports to.
	c := decode[describe.Description](t, mustRun(t, "inspect", r.checkpoint(), "--json"))
	if c.Kind != "checkpoint" || c.Phase != "qat" || !reflect.DeepEqual(c.Layers, d.Layers) {
		t.Errorf("%+v", c)
	}
	f := decode[describe.Description](t, mustRun(t, "inspect", r.file("checkpoint-float.safetensors"), "--json"))
	if f.Phase != "float" || f.Layers[0].WeightBits != 32 || f.MACs != d.MACs || math.Abs(f.EnergyUJ-d.Float32UJ) > 1e-9 || f.EnergyUJ != f.Float32UJ {
		t.Errorf("%+v", f)
	}
	table := mustRun(t, "inspect", r.model(), "--kernel", "reference")
	for _, want := range []string{"3 classes: 0 circle, 1 cross, 2 stripes\n", " µJ an image by estimate, in float32 ", "accumulators of 1 of 3 layers fit 16 bits, the widest has ",
		"layers run by reference: 3\n", "w4a4"} {
		if !strings.Contains(table, want) {
			t.Errorf("%q is not in\n%s", want, table)
		}
	}
	for line := range strings.Lines(table) {
		if n := utf8.RuneCountInString(line); n > 81 { // with the line's end
			t.Errorf("wider than 80 columns: %s", line)
		}
	}
}

func TestBench(t *testing.T) {
	r := trained(t)
	b := decode[benchmark.Inference](t, mustRun(t, "bench", r.model(), "--runs", "20", "--batch", "2", "--json"))
	if b.Runs != 20 || b.Batch != 2 || b.Threads != 1 || b.AllocsPerRun != 0 || b.Kernel == "" || b.MACs == 0 ||
		!(0 < b.Latency.Min && b.Latency.Min <= b.Latency.P50 && b.Latency.P50 <= b.Latency.P99) || b.ImagesPerSec <= 0 || b.LoadMS <= 0 {
		t.Errorf("%+v", b)
	}
	text := mustRun(t, "bench", "--model", "lenet", "--method", "int", "--weight-bits", "4", "--set", "model.width=0.1", "--runs", "2", "--json")
	wantKeys(t, text, "kernel", "threads", "batch", "runs", "latency_ms.min", "latency_ms.p50", "latency_ms.p99", "images_per_second", "macs",
		"gmacs_per_second", "allocs_per_run", "load_ms")
}

func TestBenchTrain(t *testing.T) {
	text := mustRun(t, "bench", "train", "--json", "--model", "mlp", "--batch", "8", "--method", "pact", "--weight-bits", "4", "--activation-bits", "4",
		"--threads", "1", "--steps", "3", "--set", "model.width=0.1")
	wantKeys(t, text, "parameters", "macs", "step_ms.min", "step_ms.p50", "float_step_ms.min", "float_step_ms.p50", "fakequant_overhead",
		"images_per_second", "allocs_per_step", "kernels", "peak_rss_mb", "float_peak_rss_mb", "loss_first", "loss_last")
	if strings.Contains(text, "load") {
		t.Errorf("%s, without a loader", text)
	}
	b := decode[benchmark.Training](t, text)
	if b.Parameters == 0 || b.MACs == 0 || b.Step.Min <= 0 || b.FloatStep.Min <= 0 || b.PeakRSSMB <= 0 || b.LossFirst <= 0 {
		t.Errorf("%+v", b)
	}
	text = mustRun(t, "bench", "train", "--loader", "--json", "--model", "mlp", "--batch", "900", "--steps", "23", "--set", "model.width=0.1")
	wantKeys(t, text, "loader_step_ms.min", "loader_step_ms.p50", "loading_overhead")
}

func TestBenchTrainRoofline(t *testing.T) {
	args := []string{"bench", "train", "--roofline", "--model", "lenet", "--batch", "8", "--threads", "1", "--steps", "2", "--set", "model.width=0.1"}
	text := mustRun(t, append(args, "--json")...)
	wantKeys(t, text, "peak_gflops", "copy_gb_per_second", "step_ms", "roof_ms", "share", "ops")
	l := decode[benchmark.Roofline](t, text)
	var ms, roof float64
	for _, o := range l.Ops {
		ms, roof = ms+o.MS, roof+o.RoofMS
	}
	if len(l.Ops) < 20 || math.Abs(ms-l.StepMS) > 1e-9 || math.Abs(roof-l.RoofMS) > 1e-9 || l.Share != l.RoofMS/l.StepMS || roof <= 0 {
		t.Errorf("%+v", l)
	}
	text = mustRun(t, args...)
	for _, want := range []string{"GFLOP/s", "input", "conv2.accumulators.backward", "optimizer", "step"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

// cancelAt cancels when a text is written.
type cancelAt struct {
	text   string
	cancel context.CancelFunc
	log    strings.Builder
}

func (c *cancelAt) Write(p []byte) (int, error) {
	c.log.Write(p)
	if strings.Contains(c.log.String(), c.text) {
		c.cancel()
	}
	return len(p), nil
}

// An interrupted run says how to go on, and comes to the same result.
func TestInterruptAndResume(t *testing.T) {
	r := trained(t)
	folder := filepath.Join(t.TempDir(), "run")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	log := &cancelAt{text: "float 3/8", cancel: cancel}
	code := command.Execute(ctx, newRoot(), []string{"train", r.recipe, "--data", r.data, "--out", folder}, strings.NewReader(""), io.Discard, log)
	if code != command.Interrupted || !strings.Contains(log.log.String(), "qat train --resume "+folder) {
		t.Fatalf("exit %d: %s", code, log.log.String())
	}
	if want := r.data + ": 12x12x1, 3 classes (circle, cross, stripes), 87 train, 10 validation, 23 test (chosen by seed 1)\n"; !strings.HasPrefix(log.log.String(), want) {
		t.Errorf("%q is not in %q", want, log.log.String())
	}
	resumed := decode[pipeline.Summary](t, mustRun(t, "train", "--resume", folder, "--json"))
	again := decode[pipeline.Summary](t, mustRun(t, "train", "--resume", folder, "--json"))
	if again.TrainImagesPerSecond != resumed.TrainImagesPerSecond || again.Seconds.Float != resumed.Seconds.Float || again.Seconds.Total < again.Seconds.Float+again.Seconds.QAT {
		t.Errorf("resumed at its end to %+v, from %+v", again, resumed)
	}
	whole := decode[pipeline.Summary](t, r.stdout)
	if !reflect.DeepEqual(resumed.Accuracy, whole.Accuracy) {
		t.Errorf("resumed to %+v, at once to %+v", resumed.Accuracy, whole.Accuracy)
	}
	a, errA := os.ReadFile(filepath.Join(folder, "model.qmodel"))
	b, errB := os.ReadFile(r.model())
	if errA != nil || errB != nil || string(a) != string(b) {
		t.Errorf("the models differ (%v, %v)", errA, errB)
	}
	for _, args := range [][]string{{"--resume", folder, "--seed", "2"}, {"--resume", folder, r.recipe}, {"--resume", folder, "--set", "batch=1"}} {
		mustFail(t, command.Usage, append([]string{"train"}, args...), "--resume goes on with the recipe of the run", "leave")
	}
	mustFail(t, command.Failed, []string{"train", "--resume", r.data}, "no run folder")
	mustFail(t, command.Usage, []string{"train", "--accept-changes"}, "--resume")
}

func TestFlagsChangeTheRecipe(t *testing.T) {
	c := trainCommand()
	file := filepath.Join(t.TempDir(), "r.yaml")
	if err := os.WriteFile(file, []byte("batch: 32\nseed: 3\nmodel: mlp\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := c.ParseFlags([]string{"--model", "cnv", "--seed", "4", "--method", "int", "--weight-bits", "3", "--set", "model.width=0.5", "--set", "qat.lr=0.02"}); err != nil {
		t.Fatal(err)
	}
	set, err := c.Flags().GetStringArray("set")
	if err != nil {
		t.Fatal(err)
	}
	got, _, err := trainRecipe(c, []string{file}, "", set, job{Group: dist.Local{}})
	if err != nil {
		t.Fatal(err)
	}
	want := recipe.Default()
	want.Batch, want.Seed, want.Model.Name, want.Model.Width = 32, 4, "cnv", 0.5
	want.QAT.Method, want.QAT.WeightBits, want.QAT.LR, want.Version = "int", 3, 0.02, version.Read().Version
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestMethods(t *testing.T) {
	list := decode[[]describe.Method](t, mustRun(t, "methods", "--json"))
	wantKeys(t, mustRun(t, "methods", "--json"), "name", "paper", "weight_bits", "activation_bits", "trains", "integers")
	if !slices.ContainsFunc(list, func(m describe.Method) bool {
		return m.Name == "pact" && m.Integers && slices.Contains(m.WeightBits, 4)
	}) {
		t.Errorf("%+v", list)
	}
	if table := mustRun(t, "methods"); !strings.Contains(table, "arXiv:1805.06085") {
		t.Errorf("%s", table)
	}
}

func TestWidths(t *testing.T) {
	for _, c := range []struct {
		bits []int
		want string
	}{{nil, ""}, {[]int{1}, "1"}, {[]int{1, 2}, "1, 2"}, {[]int{2, 3, 4, 8}, "2-4, 8"}, {[]int{1, 4, 5, 6, 7, 8, 32}, "1, 4-8, 32"}} {
		if got := describe.Widths(c.bits); got != c.want {
			t.Errorf("widths(%v) = %q, want %q", c.bits, got, c.want)
		}
	}
}

func TestVersion(t *testing.T) {
	v := decode[version.Info](t, mustRun(t, "version", "--json"))
	if v.Version == "" || !strings.HasPrefix(v.Go, "go") || !strings.Contains(v.Platform, "/") || len(v.Kernels) == 0 {
		t.Errorf("%+v", v)
	}
	text := mustRun(t, "version")
	if !strings.Contains(text, v.Go) {
		t.Errorf("%s", text)
	}
	if flag := mustRun(t, "--version"); flag != text {
		t.Errorf("%s, not\n%s", flag, text)
	}
}

func TestDataList(t *testing.T) {
	for _, name := range []string{"XDG_CACHE_HOME", "HOME", "LocalAppData"} { // where systems keep caches, whose files would be listed
		t.Setenv(name, t.TempDir())
	}
	var names []string
	for _, line := range strings.Split(mustRun(t, "data", "list"), "\n") {
		if f := strings.Fields(line); len(f) > 0 {
			names = append(names, f[0])
		}
	}
	if want := []string{"name", "fashion-sample", "mnist", "fashion-mnist", "cifar10"}; !slices.Equal(names, want) {
		t.Errorf("%v, want %v", names, want)
	}
	wantKeys(t, mustRun(t, "data", "list", "--json"), "name", "classes", "shape", "train", "test", "found")
}

func TestOneLine(t *testing.T) {
	if got := term.OneLine(fmt.Errorf("a\nb\r\nc")); got != "a b c" {
		t.Errorf("%q", got)
	}
}

func TestInterrupt(t *testing.T) {
	r := trained(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var log strings.Builder
	code := command.Execute(ctx, newRoot(), []string{"eval", r.checkpoint()}, strings.NewReader(""), io.Discard, &log)
	if code != command.Interrupted || log.String() != "qat: interrupted\n" {
		t.Errorf("exit %d, %q", code, log.String())
	}
}

// TestEvalNamesTheNetworkWithoutQuantizers: a quantized checkpoint's accuracy in float
// is not called that of the float network, whose checkpoint has it.
func TestEvalNamesTheNetworkWithoutQuantizers(t *testing.T) {
	r := trained(t)
	if text := mustRun(t, "eval", r.checkpoint(), "--data", r.data); !strings.Contains(text, "all, quantizers off") || strings.Contains(text, "all, float") {
		t.Errorf("of the quantized phase: %s", text)
	}
	if text := mustRun(t, "eval", r.file("checkpoint-float.safetensors"), "--data", r.data); !strings.Contains(text, "all, float") {
		t.Errorf("of the float phase: %s", text)
	}
}
