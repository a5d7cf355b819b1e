// SPDX-License-Identifier: Apache-2.0

// Package pipelinetest makes a run folder in under a second, for tests.
package pipelinetest

import (
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/goqat/goqat/pipeline"
	"github.com/goqat/goqat/recipe"
)

// A Run is a training that is done.
type Run struct {
	Data    string // a folder of 80 images in two classes, dark and light
	Folder  string // with checkpoints and model.qmodel
	Summary *pipeline.Summary
}

// File returns the path of a file in the run folder.
func (r Run) File(name string) string { return filepath.Join(r.Folder, name) }

const model = `[{kind: conv, name: conv, channels: 4, kernel: 3, stride: 2, norm: true, activation: relu},
 {kind: conv, name: deep, channels: 4, kernel: 3, activation: relu}, {kind: linear, name: classes}]`

// Train makes a run in a temporary folder of the test.
func Train(t *testing.T) Run {
	t.Helper()
	dir := t.TempDir()
	run := Run{Data: filepath.Join(dir, "shades"), Folder: filepath.Join(dir, "run")}
	for c, class := range []string{"dark", "light"} {
		for i := range 40 {
			writeImage(t, filepath.Join(run.Data, class, fmt.Sprintf("%02d.png", i)), 60+100*c+2*i)
		}
	}
	r := recipe.Default()
	for _, s := range []string{"model=" + model, "batch=16", "float.epochs=3", "qat.epochs=2", "qat.weight_bits=4", "qat.activation_bits=4", "data.name=" + run.Data, "out=" + run.Folder} {
		if err := r.Set(s); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	if run.Summary, err = pipeline.Train(t.Context(), r, pipeline.Options{}); err != nil {
		t.Fatal(err)
	}
	return run
}

// writeImage writes 12x12 pixels around a brightness.
func writeImage(t *testing.T, path string, brightness int) {
	t.Helper()
	m := image.NewGray(image.Rect(0, 0, 12, 12))
	for i := range m.Pix {
		m.Pix[i] = color.Gray{Y: uint8(brightness + i*i%19 - 9)}.Y
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := png.Encode(f, m); err != nil {
		t.Fatal(err)
	}
}
