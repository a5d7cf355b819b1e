// SPDX-License-Identifier: Apache-2.0

package report_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/internal/qmodeltest"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/pipeline"
	"github.com/goqat/goqat/qat"
	"github.com/goqat/goqat/recipe"
	"github.com/goqat/goqat/report"
	"github.com/goqat/goqat/train"
)

// sections are the ids of what every page has.
var sections = []string{"accuracy", "agreement", "curves", "classes", "confusion", "mistakes", "layers", "ranges", "repeat"}

// trained makes a short run and returns it with its evidence, whose network lives as
// long as the test.
func trained(t *testing.T, settings ...string) *report.Subject {
	t.Helper()
	r := recipe.Default()
	for _, s := range append([]string{
		"model.width=0.1", "data.train_limit=640", "data.test_limit=200", "float.epochs=2", "qat.epochs=3", "qat.batchnorm_freeze=1",
		"out=" + filepath.Join(t.TempDir(), "run"),
	}, settings...) {
		if err := r.Set(s); err != nil {
			t.Fatal(err)
		}
	}
	var page bytes.Buffer
	finished := func(e *pipeline.Evidence) {
		s, err := report.OpenRun(r.Out)
		if err != nil {
			t.Fatal(err)
		}
		s.Evidence = e
		if err := s.Write(t.Context(), &page); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := pipeline.Train(t.Context(), r, pipeline.Options{Finished: finished}); err != nil {
		t.Fatal(err)
	}
	if page.Len() == 0 {
		t.Fatal("nobody was told that the training is finished")
	}
	check(t, page.Bytes())
	s, err := report.OpenRun(r.Out)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// written returns the page of a subject, checked.
func written(t *testing.T, s *report.Subject) string {
	t.Helper()
	var page bytes.Buffer
	if err := s.Write(t.Context(), &page); err != nil {
		t.Fatal(err)
	}
	check(t, page.Bytes())
	return page.String()
}

// check parses a page and wants all sections, nothing from elsewhere, no script, a
// word for every picture, and a bounded size.
func check(t *testing.T, page []byte) {
	t.Helper()
	if len(page) > 2_000_000 {
		t.Errorf("the page has %d bytes", len(page))
	}
	d := xml.NewDecoder(bytes.NewReader(page))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	ids := map[string]int{}
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("the page does not parse: %v", err)
		}
		element, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		checkElement(t, element, ids)
	}
	for _, id := range sections {
		if ids[id] != 1 {
			t.Errorf("%d elements have the id %s", ids[id], id)
		}
	}
	for _, foreign := range []string{"http://", "https://", "@import", "url("} {
		if bytes.Contains(page, []byte(foreign)) {
			t.Errorf("the page has %q", foreign)
		}
	}
	for _, broken := range []string{"ZgotmplZ", "NaN", "+Inf", "%!"} {
		if bytes.Contains(page, []byte(broken)) {
			t.Errorf("the page has %q", broken)
		}
	}
}

func checkElement(t *testing.T, e xml.StartElement, ids map[string]int) {
	t.Helper()
	attributes := map[string]string{}
	for _, a := range e.Attr {
		attributes[a.Name.Local] = a.Value
		if strings.HasPrefix(a.Name.Local, "on") {
			t.Errorf("%s has %s", e.Name.Local, a.Name.Local)
		}
	}
	ids[attributes["id"]]++
	switch e.Name.Local {
	case "script", "link", "iframe", "object", "form", "b", "blink":
		t.Errorf("the page has an element %s", e.Name.Local)
	case "img":
		if attributes["alt"] == "" || !strings.HasPrefix(attributes["src"], "data:image/png;base64,") {
			t.Errorf("an image without a word, or from elsewhere: %v", attributes["alt"])
		}
	case "svg":
		if attributes["role"] != "img" || attributes["aria-label"] == "" {
			t.Error("a chart without a name")
		}
	case "a":
		if !strings.HasPrefix(attributes["href"], "#") {
			t.Errorf("a link to %s", attributes["href"])
		}
	}
}

// TestRun wants the page of a run to be the same from its folder as at its end, and to
// have what the summary has.
func TestRun(t *testing.T) {
	s := trained(t)
	pool := graph.NewPool(1)
	defer pool.Close()
	r, err := s.Restore(pool)
	if err != nil {
		t.Fatal(err)
	}
	data, err := pipeline.Data(t.Context(), r.Recipe, pipeline.Reading{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Classify(t.Context(), data.Test, 1, nil); err != nil {
		t.Fatal(err)
	}
	if got, want := s.Evidence.Result.Accuracy, *s.Record.Summary.Accuracy.Integer; got != want {
		t.Errorf("accuracy %v, in the summary %v", got, want)
	}
	page := written(t, s)
	for _, want := range []string{
		"lenet", "Loss on the training images", "batch norm freezes", "ranges freeze", "quantized from here", "<strong>0 integers differ</strong>",
		"Ankle boot", "taken for", "Weights of conv1", "Activations of conv2", "clip, scale of conv1", "after quantization", "clip", "qat train ", "µJ", "±",
		"config.yaml", "The recipe in full",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %q", want)
		}
	}
	s.Evidence = nil
	s.Unseen = "They are gone."
	if page := written(t, s); !strings.Contains(page, "They are gone.") || !strings.Contains(page, "Most frequent confusions") {
		t.Error("without evidence, what the summary has is missing, or the reason of what is not there")
	}
}

// TestFloat wants pages of a run without a quantized phase, and of one that is not
// done.
func TestFloat(t *testing.T) {
	s := trained(t, "qat.epochs=0", "float.epochs=1")
	if err := os.Remove(filepath.Join(s.Record.Folder, "summary.json")); err != nil {
		t.Fatal(err)
	}
	s, err := report.OpenRun(s.Record.Folder)
	if err != nil {
		t.Fatal(err)
	}
	page := written(t, s)
	for _, want := range []string{"not done", "qat train --resume", "Accuracy, %"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %q", want)
		}
	}
}

// TestModel wants the page of a model alone, without images and with some.
func TestModel(t *testing.T) {
	q := qmodeltest.Tiny(rand.New(rand.NewPCG(5, 5)))
	path := filepath.Join(t.TempDir(), "tiny.qmodel")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := q.Write(f); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := report.OpenModel(path)
	if err != nil {
		t.Fatal(err)
	}
	if page := written(t, s); !strings.Contains(page, "Integer weights of") || strings.Contains(page, "taken for</th>") {
		t.Error("no integer weights, or confusions out of nothing")
	}
	size := q.Input.Height * q.Input.Width * q.Input.Channels
	test := datasets.Split{Images: make([]uint8, 20*size), Labels: make([]int32, 20)}
	for i := range test.Images {
		test.Images[i] = uint8(i * 37)
	}
	if err := s.Classify(t.Context(), test, 1, nil); err != nil {
		t.Fatal(err)
	}
	if page := written(t, s); !strings.Contains(page, "Codes of") || !strings.Contains(page, "20 ") {
		t.Error("no codes of the images")
	}
}

// TestHostileAndMany wants names from outside to be text, and a page of 2,000 classes
// to be bounded.
func TestHostileAndMany(t *testing.T) {
	pool := graph.NewPool(1)
	defer pool.Close()
	const hostile = `</td><script>alert("x")</script><b onload='x'>&amp;`
	for _, classes := range []int{2, 50, 2000} {
		names := make([]string, classes)
		for i := range names {
			names[i] = fmt.Sprintf("%d%s%s", i, hostile, strings.Repeat("long ", 200))
		}
		n, err := layers.Build(layers.Chain{layers.Conv2D{Channels: 2, Kernel: 3}, layers.Flatten{}, layers.Linear{Channels: classes}}, layers.Config{
			Name: hostile, Input: layers.Input{Height: 6, Width: 6, Channels: 3, Params: layers.Normalized(0.5, 0.3)}, Classes: names, Batch: 8, Pool: pool,
			Policy: qat.Policy{Method: qat.Int{}, WeightBits: 8, ActivationBits: 8},
		})
		if err != nil {
			t.Fatal(err)
		}
		const images = 3000
		test := datasets.Split{Images: make([]uint8, images*6*6*3), Labels: make([]int32, images), Files: make([]datasets.File, images)}
		result := train.Result{Images: images, Labels: test.Labels, Predictions: make([]int32, images)}
		random := rand.New(rand.NewPCG(1, 2))
		for i := range test.Labels {
			test.Labels[i], result.Predictions[i] = int32(random.IntN(classes)), int32(random.IntN(classes))
			test.Files[i].Path = hostile + ".png"
		}
		rec := recipe.Default()
		rec.Data.Name, rec.Model.Name = hostile, hostile
		s := &report.Subject{
			Record:   &pipeline.Record{Folder: "/nowhere/" + hostile, Recipe: rec},
			Evidence: &pipeline.Evidence{Network: n, Test: test, Result: result}, Command: hostile, Unseen: hostile,
		}
		page := written(t, s)
		if !strings.Contains(page, "&lt;script&gt;") {
			t.Error("the names are not there")
		}
		if classes > 100 && !strings.Contains(page, "The 100 classes of 2000") {
			t.Error("not the worst classes of many")
		}
	}
}

// TestActivationsAreOfTheNetwork: quantizing each tensor after it was seen leaves the
// logits of the ordinary quantized pass.
func TestActivationsAreOfTheNetwork(t *testing.T) {
	for _, method := range []string{"int", "lsq+", "xnor"} {
		s := trained(t, "qat.method="+method, "qat.weight_bits=0", "qat.activation_bits=0", "float.epochs=1", "qat.epochs=1", "data.train_limit=128", "data.test_limit=64")
		pool := graph.NewPool(1)
		r, err := s.Restore(pool)
		if err != nil {
			t.Fatal(err)
		}
		data, err := pipeline.Data(t.Context(), r.Recipe, pipeline.Reading{})
		if err != nil {
			t.Fatal(err)
		}
		s.Evidence.Test = data.Test
		got, want, err := report.BothLogits(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("%s: logit %d is %v, of the quantized network %v", method, i, got[i], want[i])
				break
			}
		}
		pool.Close()
	}
}
