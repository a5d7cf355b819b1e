// SPDX-License-Identifier: Apache-2.0

package pipeline_test

import (
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goqat/goqat/pipeline"
	"github.com/goqat/goqat/qat"
)

// stripes writes pictures of 16x16, a folder for each of three classes of stripes, of
// which each has 24; inverted, dark stands for light.
func stripes(t *testing.T, inverted bool) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "stripes")
	for c, class := range []string{"across", "along", "none"} {
		for i := range 24 {
			picture(t, filepath.Join(dir, class, fmt.Sprint(i, ".png")), 16, func(p int) uint8 {
				x, y := p%16, p/16
				v := []int{y + i, x + i, 0}[c] / 2 % 2 * (90 + 3*i)
				v += 20 + (x*y+7*i)%23
				if inverted {
					v = 255 - v
				}
				return uint8(v)
			})
		}
	}
	return dir
}

// onStripes are settings for a small network with batch normalization on such a folder.
func onStripes(data string, settings ...string) []string {
	return append([]string{body, "data.name=" + data, "data.train_limit=0", "data.test_limit=0", "batch=8", "float.lr=0.05", "float.epochs=6", "qat.epochs=3"}, settings...)
}

// TestFarOffSettings trains ternary weights that are nearly all zero, or whose two scales
// change signs, and learned steps at rates that throw them about: the integers agree, no
// step is below zero, or an error names the layer or the epoch.
func TestFarOffSettings(t *testing.T) {
	t.Parallel()
	data := stripes(t, false)
	float := filepath.Join(trained(t, small(t, onStripes(data, "qat.epochs=0")...)).Folder, "checkpoint-float.safetensors")
	for _, settings := range [][]string{
		{"qat.method=ttq", "qat.threshold=0.9"},
		{"qat.method=ttq", "qat.lr=0.5"},
		{"qat.method=twn", "qat.decay=0.1"},
		{"qat.method=lsq", "qat.weight_bits=4", "qat.activation_bits=4", "qat.lr=1"},
		{"qat.method=lsq+", "qat.weight_bits=2", "qat.activation_bits=4", "qat.lr=5"},
		{"qat.method=pact", "qat.weight_bits=4", "qat.activation_bits=4", "qat.lr=1", "qat.clip_decay=0.1"},
	} {
		r := small(t, onStripes(data, append(settings, "init="+float)...)...)
		s, err := pipeline.Train(t.Context(), r, pipeline.Options{})
		switch {
		case err != nil && !strings.Contains(err.Error(), "layer") && !strings.Contains(err.Error(), "epoch"):
			t.Errorf("%v: %v", settings, err)
		case err == nil && s.Verify.IntegerMismatches != 0:
			t.Errorf("%v: %d integers differ", settings, s.Verify.IntegerMismatches)
		}
		for line := range strings.Lines(string(read(t, r.Out, "metrics.jsonl"))) {
			var e pipeline.Epoch
			if err := json.Unmarshal([]byte(line), &e); err != nil {
				t.Fatalf("%v: %v", settings, err)
			}
			for name, scale := range e.Scales {
				if !(scale > 0) {
					t.Errorf("%v: epoch %d: scale %v of %s", settings, e.Epoch, scale, name)
				}
			}
		}
	}
}

// TestStatisticsFollowOtherImages takes a float network to pictures whose dark is light:
// the statistics of batch normalization follow, so that what is exported classifies as
// the training did.
func TestStatisticsFollowOtherImages(t *testing.T) {
	t.Parallel()
	float := trained(t, small(t, onStripes(stripes(t, false), "float.epochs=10", "qat.epochs=0")...))
	if *float.Accuracy.Float < 0.9 {
		t.Fatalf("the float network finds %v", *float.Accuracy.Float)
	}
	var log strings.Builder
	r := small(t, onStripes(stripes(t, true), "qat.epochs=8", "qat.batchnorm_freeze=8", "init="+filepath.Join(float.Folder, "checkpoint-float.safetensors"), "qat.lr=0.01", "qat.method=int", "qat.weight_bits=8", "qat.activation_bits=8")...)
	s, err := pipeline.Train(t.Context(), r, pipeline.Options{On: logged(&log)})
	if err != nil {
		t.Fatal(err)
	}
	if *s.Accuracy.Fakequant < 0.9 || *s.Accuracy.Integer < 0.9 {
		t.Errorf("fake-quantized %v, integer %v of the inverted pictures", *s.Accuracy.Fakequant, *s.Accuracy.Integer)
	}
	if !strings.Contains(log.String(), "qat.batchnorm_freeze: 8") {
		t.Errorf("fixed statistics are not told:\n%s", log.String())
	}
}

// TestLoneImages trains layers without height and width in batches of one image, and with
// one image left over: it says so, and all numbers stay finite.
func TestLoneImages(t *testing.T) {
	t.Parallel()
	const rows = "model=[{kind: globalavgpool}, {kind: linear, name: hidden, channels: 8, norm: true, activation: relu}, {kind: linear}]"
	data := stripes(t, false)
	for batch, want := range map[int]string{1: "batches of one image", 14: "the last batch of an epoch is one image", 10: ""} {
		var log strings.Builder
		r := small(t, onStripes(data, rows, fmt.Sprint("batch=", batch))...)
		s, err := pipeline.Train(t.Context(), r, pipeline.Options{On: logged(&log)})
		if err != nil || s.Verify.IntegerMismatches != 0 {
			t.Errorf("batch %d: %v", batch, err)
		}
		if told := strings.Contains(log.String(), "one value to normalize over"); told != (want != "") || !strings.Contains(log.String(), want) {
			t.Errorf("batch %d, want %q:\n%s", batch, want, log.String())
		}
	}
}

// TestSoftTeacher distils at a temperature of 5 without labels, to 4 bits: it costs no
// more than chance.
func TestSoftTeacher(t *testing.T) {
	t.Parallel()
	few := []string{"model={name: mlp, width: 0.25}", "data.train_limit=1500", "data.test_limit=400", "float.epochs=5", "qat.epochs=3", "qat.weight_bits=4", "qat.activation_bits=4"}
	plain := trained(t, small(t, few...))
	float := filepath.Join(plain.Folder, "checkpoint-float.safetensors")
	taught := trained(t, small(t, append(few, "init="+float, "teacher.checkpoint="+float, "teacher.temperature=5", "teacher.weight=1")...))
	if got, least := *taught.Accuracy.Integer, *plain.Accuracy.Integer-3*plain.Accuracy.StandardError; got < least {
		t.Errorf("%v with a teacher, %v without", got, *plain.Accuracy.Integer)
	}
}

// TestWeakImages trains on pictures of which all are black, on such whose contrast is that
// of a few levels, and on a network that a rate of 50 has killed: what there is to say is
// said, what is exported agrees, and no number is none.
func TestWeakImages(t *testing.T) {
	t.Parallel()
	black, faint := t.TempDir(), t.TempDir()
	for c, class := range []string{"a", "b"} {
		for i := range 16 {
			picture(t, filepath.Join(black, class, fmt.Sprint(i, ".png")), 12, func(int) uint8 { return 0 })
			picture(t, filepath.Join(faint, class, fmt.Sprint(i, ".png")), 12, func(p int) uint8 { return uint8(126 + 3*c + (p*p+i)%3) })
		}
	}
	for _, c := range []struct {
		name     string
		settings []string
		says     []string
	}{
		{"black", []string{"data.name=" + black, "qat.method=int"}, []string{"all its training images are blank", "100 % of the test images to be of class"}},
		{"faint, lsq", []string{"data.name=" + faint, "qat.method=lsq"}, nil},
		{"faint, pact", []string{"data.name=" + faint, "qat.method=pact", "qat.clip_decay=0.1"}, nil},
		{"dead", []string{"data.name=" + faint, "float.lr=50", "model={name: lenet, width: 0.1}"}, []string{"of the test images to be of class"}},
	} {
		var log strings.Builder
		r := small(t, append([]string{body, "data.train_limit=0", "data.test_limit=0", "batch=8", "float.epochs=3", "qat.epochs=2"}, c.settings...)...)
		s, err := pipeline.Train(t.Context(), r, pipeline.Options{On: logged(&log)})
		switch {
		case err != nil && (c.name != "dead" || !strings.Contains(err.Error(), "lr")):
			t.Errorf("%s: %v", c.name, err)
		case err == nil && s.Verify.IntegerMismatches != 0:
			t.Errorf("%s: %d integers differ", c.name, s.Verify.IntegerMismatches)
		}
		for _, want := range c.says {
			if !strings.Contains(log.String(), want) && err == nil {
				t.Errorf("%s: %q is not said:\n%s", c.name, want, log.String())
			}
		}
	}
}

// picture writes a gray picture.
func picture(t *testing.T, path string, side int, value func(p int) uint8) {
	t.Helper()
	m := image.NewGray(image.Rect(0, 0, side, side))
	for p := range m.Pix {
		m.Pix[p] = value(p)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(path)
	if err == nil {
		err = png.Encode(f, m)
	}
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
}

// TestFirstStepOfUntrainedWeights quantizes a network of many layers from the first step,
// without a float phase, by every method: it ends in a model that agrees.
func TestFirstStepOfUntrainedWeights(t *testing.T) {
	t.Parallel()
	data := stripes(t, false)
	for _, method := range qat.Methods() {
		r := small(t, onStripes(data, "model={name: resnet8, width: 0.25}", "float.epochs=0", "qat.epochs=1", "batch=16", "qat.lr=0.001", "qat.method="+method.Info().Name)...)
		if s := trained(t, r); s.Verify.IntegerMismatches != 0 {
			t.Errorf("%s: %d integers differ", method.Info().Name, s.Verify.IntegerMismatches)
		}
	}
}

// TestTwoBitsOfDoReFaLearn trains weights and activations of two bits by DoReFa without a float phase, which other tools
// were seen not to learn at all: the network finds the classes.
func TestTwoBitsOfDoReFaLearn(t *testing.T) {
	t.Parallel()
	s := trained(t, small(t, onStripes(stripes(t, false), "float.epochs=0", "qat.epochs=12", "qat.lr=0.05", "qat.method=dorefa", "qat.weight_bits=2", "qat.activation_bits=2")...))
	if s.Verify.IntegerMismatches != 0 || !(*s.Accuracy.Integer > 0.6) {
		t.Errorf("%.0f %% of three classes are found, %d integers differ", 100**s.Accuracy.Integer, s.Verify.IntegerMismatches)
	}
}

// TestRareClasses trains on a class of two pictures and one of a single one: what they
// lack is said.
func TestRareClasses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for class, images := range map[string]int{"a": 20, "b": 20, "two": 2, "one": 1} {
		for i := range images {
			picture(t, filepath.Join(dir, class, fmt.Sprint(i, ".png")), 8, func(p int) uint8 { return uint8(len(class)*p + i) })
		}
	}
	var log strings.Builder
	r := small(t, onStripes(dir, "float.epochs=1", "qat.epochs=1")...)
	if _, err := pipeline.Train(t.Context(), r, pipeline.Options{On: logged(&log)}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"one image and so nothing to test with: one", "no images to validate with, so that they do not count in which checkpoint is best: one, two"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("%q is not said:\n%s", want, log.String())
		}
	}
}
