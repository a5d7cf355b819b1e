// SPDX-License-Identifier: Apache-2.0

package pipeline_test

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goqat/goqat/pipeline"
)

// uneven writes a folder of noise in three classes of different brightness, with 60, 24
// and 10 images of 16x16.
func uneven(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "uneven")
	random := rand.New(rand.NewPCG(1, 2))
	for c, count := range []int{60, 24, 10} {
		folder := filepath.Join(dir, string(rune('a'+c)))
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		for i := range count {
			m := image.NewGray(image.Rect(0, 0, 16, 16))
			for p := range m.Pix {
				m.Pix[p] = uint8(60 + 25*c + random.IntN(100))
			}
			var b bytes.Buffer
			if err := png.Encode(&b, m); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(folder, fmt.Sprint(i, ".png")), b.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

// ownSets are settings for sets of one's own, each with everything it can be used with.
var ownSets = map[string][]string{
	"augmentations": {"data.augment={crop: 12%, flip: true, rotate: 10, scale: 0.1, brightness: 0.1, contrast: 0.2, noise: 0.02, cutout: 0.3, mixup: 0.3}"},
	"classes":       {"data.balance=0.5", "class_weights=auto", "smoothing=0.1", "best=balanced"},
	"averages":      {"float.average=0.95", "qat.average=0.9", "float.patience=2", "qat.patience=2", "float.epochs=6", "qat.epochs=5"},
	"average of a method in steps": {
		"qat.average=0.9", "qat.method=inq", "qat.weight_bits=5", "qat.activation_bits=8", "qat.epochs=5", "qat.stages=[{epochs: 1, weight_bits: 32}]",
	},
}

// TestOwnSetsResume interrupts trainings with every augmentation, sampler and average in
// both phases: they go on to the model of an uninterrupted one, which has the same bytes
// on any number of threads and agrees with its integers.
func TestOwnSetsResume(t *testing.T) {
	data := uneven(t)
	for name, settings := range ownSets {
		t.Run(name, func(t *testing.T) {
			settings := append([]string{"model={name: mlp, width: 0.2}", "batch=16", "data.train_limit=0", "data.test_limit=0", "float.epochs=3", "qat.epochs=3", "data.name=" + data}, settings...)
			for _, epoch := range []string{"float 2/", "qat 2/"} {
				checkInterrupt(t, epoch, settings)
			}
			one, two := trained(t, small(t, append(settings, "threads=1")...)), trained(t, small(t, append(settings, "threads=2")...))
			if !bytes.Equal(read(t, one.Folder, "model.qmodel"), read(t, two.Folder, "model.qmodel")) {
				t.Error("two threads train another model than one")
			}
			if one.Verify.IntegerMismatches != 0 {
				t.Errorf("%d integers differ", one.Verify.IntegerMismatches)
			}
		})
	}
}

// TestPatience ends a phase that gets no better, and says so.
func TestPatience(t *testing.T) {
	var log strings.Builder
	r := small(t, "float.epochs=40", "float.patience=2", "float.lr=1e-9", "data.train_limit=64", "qat.epochs=0")
	if _, err := pipeline.Train(t.Context(), r, pipeline.Options{On: logged(&log)}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log.String(), "the float phase stops after") || strings.Contains(log.String(), "float 40/40") {
		t.Errorf("told:\n%s", log.String())
	}
}

// TestUnknownClass refuses a weight of no class before a run folder is made.
func TestUnknownClass(t *testing.T) {
	r := small(t, "class_weights={Ankle bott: 2}")
	_, err := pipeline.Train(t.Context(), r, pipeline.Options{})
	if err == nil || !strings.Contains(err.Error(), `did you mean "Ankle boot"?`) {
		t.Error(err)
	}
	if _, err := os.Stat(r.Out); err == nil {
		t.Error("a run folder is made all the same")
	}
}
