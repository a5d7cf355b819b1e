// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/io/textio"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/testing/ptest"

	"github.com/goqat/goqat/artifact"
	"github.com/goqat/goqat/classify"
	"github.com/goqat/goqat/pipeline/pipelinetest"
)

// TestMain runs the pipelines of tests by Prism, the runner that Beam brings along.
func TestMain(m *testing.M) { ptest.MainWithDefault(m, "prism") }

// The classes are those that goqat finds without Beam, image by image; what is no image is said and stops nothing.
func TestClassify(t *testing.T) {
	run := pipelinetest.Train(t)
	if err := os.WriteFile(filepath.Join(run.Data, "dark", "x.png"), []byte("no image"), 0o600); err != nil {
		t.Fatal(err)
	}
	model := run.File("model.qmodel")
	m, err := artifact.Open(model)
	if err != nil {
		t.Fatal(err)
	}
	paths, err := classify.Images([]string{filepath.Join(run.Data, "dark")}, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	answers, err := classify.Files(t.Context(), m, paths, classify.Options{Top: 1})
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, a := range answers {
		l := filepath.ToSlash(a.Image) + "\t"
		if a.Error != "" {
			l += "-"
		} else {
			l += a.Top[0].Class
		}
		want = append(want, l)
	}
	out := filepath.Join(t.TempDir(), "classes.txt")
	p, s := beam.NewPipelineWithRoot()
	textio.Write(s, out, Lines(s, Classify(s, model, filepath.Join(run.Data, "dark", "*.png"))))
	ptest.RunAndValidate(t, p)
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for l := range strings.Lines(string(text)) {
		image, class, _ := strings.Cut(strings.TrimSuffix(l, "\n"), "\t")
		class, _, _ = strings.Cut(class, "\t")
		got = append(got, image+"\t"+class)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) || len(got) != 41 {
		t.Errorf("%d lines\n%q\nnot\n%q", len(got), got, want)
	}
}

// A pattern that matches nothing is an error.
func TestNoImages(t *testing.T) {
	run := pipelinetest.Train(t)
	p, s := beam.NewPipelineWithRoot()
	Classify(s, run.File("model.qmodel"), filepath.Join(t.TempDir(), "*.png"))
	if err := ptest.Run(p); err == nil {
		t.Error("no images were classified")
	}
}
