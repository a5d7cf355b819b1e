// SPDX-License-Identifier: Apache-2.0

package pipeline_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goqat/goqat/internal/kernel"
	"github.com/goqat/goqat/pipeline"
	"github.com/goqat/goqat/recipe"
)

// shades makes a data set of flat 16x16 images, a folder for each class.
func shades(t *testing.T, classes ...string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "shades")
	for c, class := range classes {
		if err := os.MkdirAll(filepath.Join(dir, class), 0o755); err != nil {
			t.Fatal(err)
		}
		for i := range 12 {
			m := image.NewGray(image.Rect(0, 0, 16, 16))
			for p := range m.Pix {
				m.Pix[p] = color.Gray{Y: uint8(60*c + 3*i + p%2)}.Y
			}
			var b bytes.Buffer
			if err := png.Encode(&b, m); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, class, fmt.Sprint(i, ".png")), b.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

// refused trains and wants an error with the text before the first epoch.
func refused(t *testing.T, text string, settings ...string) {
	t.Helper()
	var log bytes.Buffer
	_, err := pipeline.Train(t.Context(), small(t, settings...), pipeline.Options{On: logged(&log)})
	if err == nil || !strings.Contains(err.Error(), text) {
		t.Errorf("%v: error %v, want %q", settings, err, text)
	}
	if strings.Contains(log.String(), "loss") {
		t.Errorf("%v: it trained first:\n%s", settings, log.String())
	}
}

// TestCheckpointBesideAnotherIsCompared gives teachers and float networks of other
// classes, of another order of them and of another size, and a missing file: each is
// refused before the first step.
func TestCheckpointBesideAnotherIsCompared(t *testing.T) {
	short := []string{"model=mlp", "model.width=0.1", "float.epochs=1", "qat.epochs=1"}
	three := trained(t, small(t, append(short, "data.name="+shades(t, "a", "b", "c"))...))
	checkpoint := filepath.Join(three.Folder, "checkpoint-float.safetensors")
	fewer, other := shades(t, "a", "b"), shades(t, "b", "c", "d")
	same := shades(t, "a", "b", "c")
	for _, role := range []string{"teacher.checkpoint=", "init="} {
		for _, c := range []struct{ want, file, data, size string }{
			{"3 classes", checkpoint, fewer, "0"},
			{"class 0", checkpoint, other, "0"},
			{"16x16x1", checkpoint, same, "20"},
			{"no such file", checkpoint + "x", same, "0"},
		} {
			refused(t, c.want, append(short, "data.name="+c.data, "data.height="+c.size, "data.width="+c.size, role+c.file)...)
		}
	}
}

// TestRuleWithoutLayerIsRefused misspells the layer of a rule and of a stage.
func TestRuleWithoutLayerIsRefused(t *testing.T) {
	refused(t, "matches no layer", "qat.layers=[{match: konv*, weight_bits: 8}]")
	refused(t, "matches no layer", "qat.stages=[{epochs: 1, match: konv*}]")
}

// TestFirstCheckpointIsBest trains with a rate at which nothing is learned
// about the few validation images.
func TestFirstCheckpointIsBest(t *testing.T) {
	zero := false
	for seed := range 8 {
		s := trained(t, small(t, "model=mlp", "model.width=0.05", "data.train_limit=24", "data.test_limit=8", "float.epochs=1",
			"qat.epochs=1", "float.lr=1e-6", "qat.lr=1e-6", fmt.Sprint("seed=", seed)))
		zero = zero || s.Accuracy.Validation == 0
	}
	if !zero {
		t.Error("no seed has a validation of 0, which the test is about")
	}
}

// TestBrokenFilesStayLeftOut reads the data of a training that left out files, to test its network and to calibrate another:
// they are left out again without anybody saying so.
func TestBrokenFilesStayLeftOut(t *testing.T) {
	data := shades(t, "a", "b")
	for _, class := range []string{"a", "b"} {
		if err := os.WriteFile(filepath.Join(data, class, "broken.png"), []byte("no image"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	folder := trained(t, small(t, "model=mlp", "float.epochs=1", "qat.epochs=1", "batch=4", "data.skip_broken=true", "data.name="+data)).Folder
	pool := kernel.NewPool(1)
	defer pool.Close()
	r, err := pipeline.Open(filepath.Join(folder, "checkpoint-best.safetensors"), 4, pool)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (pipeline.TestImages{}).Read(t.Context(), r.Target()); err != nil {
		t.Error(err)
	}
	if _, err := r.Images(t.Context(), recipe.Data{}, r.Recipe.Seed, 0, pipeline.Reading{}); err != nil {
		t.Error(err)
	}
	if _, err := (pipeline.TestImages{Data: data}).Read(t.Context(), r.Target()); err == nil || !strings.Contains(err.Error(), "broken.png") {
		t.Errorf("of data that is named: %v", err)
	}
}
