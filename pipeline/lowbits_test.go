// SPDX-License-Identifier: Apache-2.0

package pipeline_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goqat/goqat/internal/kernel"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/pipeline"
	"github.com/goqat/goqat/ptq"
	"github.com/goqat/goqat/recipe"
)

// lowBits are the settings that make few bits good, each by itself and all together.
var lowBits = map[string][]string{
	"re-estimated statistics":  {"qat.batchnorm_reestimate=40", "qat.average=0.9"},
	"dampened oscillations":    {"qat.dampen=0.1", "qat.method=pact"},
	"frozen oscillations":      {"qat.freeze_oscillating=0.02", "qat.dampen=0.01", "qat.stages=[{epochs: 1, weight_bits: 4, activation_bits: 4}]"},
	"scaled gradients":         {"qat.ewgs=0.5"},
	"steps of the least error": {"qat.start=mse", "qat.stages=[{epochs: 1, weight_bits: 4, activation_bits: 4}]"},
}

// TestLowBitSettingsResume stops a training in shards and goes on with it, as 3 ranks, 2 ranks and one process: its
// numbers are those of one process that was never stopped, and the model agrees in every integer.
func TestLowBitSettingsResume(t *testing.T) {
	for name, settings := range lowBits {
		t.Run(name, func(t *testing.T) {
			settings := append([]string{"qat.method=lsq", "qat.weight_bits=2", "qat.activation_bits=2", "qat.gradient_bits=0", "qat.lr=0.05"}, settings...)
			alone := filepath.Join(t.TempDir(), "alone")
			s := trained(t, shardedRecipe(t, alone, settings...))
			if v := s.Verify; v == nil || v.IntegerMismatches != 0 || v.FakequantMaxSteps > 1 {
				t.Errorf("verification: %+v", v)
			}
			if got, want := stoppedTwice(t, settings), tensorsOf(t, alone); got != want {
				t.Errorf("stopped and gone on with, the training comes to %s, without stopping to %s", got, want)
			}
		})
	}
}

// statistics returns the running statistics of a network.
func statistics(n *layers.Network) (all []float32) {
	for _, u := range n.Units {
		if u.Norm != nil {
			all = append(append(all, u.Norm.Mean...), u.Norm.Variance...)
		}
	}
	return all
}

// TestReestimatedStatistics wants those of the checkpoint that is exported to be of its weights and training
// images, and the training to be the same as without them.
func TestReestimatedStatistics(t *testing.T) {
	settings := []string{body, "qat.epochs=3", "qat.batchnorm_freeze=0", "data.train_limit=200", "data.test_limit=20"}
	plain := trained(t, small(t, settings...)).Folder
	folder := trained(t, small(t, append(settings, "qat.batchnorm_reestimate=50")...)).Folder
	if got, want := values(opened(t, folder, "checkpoint-last.safetensors"), "deep"), values(opened(t, plain, "checkpoint-last.safetensors"), "deep"); !slices.Equal(got, want) {
		t.Error("training itself has changed")
	}
	pool := kernel.NewPool(1)
	defer pool.Close()
	r, err := pipeline.Open(filepath.Join(folder, "checkpoint-best.safetensors"), 8, pool)
	if err != nil {
		t.Fatal(err)
	}
	images, err := r.Images(t.Context(), recipe.Data{}, r.Recipe.Seed, 50, pipeline.Reading{})
	if err != nil {
		t.Fatal(err)
	}
	want := statistics(r.Network)
	if err := ptq.ReestimateNorms(t.Context(), r.Network, images.Calibration, nil); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(statistics(r.Network), want) {
		t.Error("the statistics of the best checkpoint are not those of its weights")
	}
	if slices.Equal(want, statistics(opened(t, folder, "checkpoint-last.safetensors"))) {
		t.Error("the statistics of the best checkpoint are those that training follows")
	}
}

// TestFrozenStatistics wants those that are frozen to be of the weights: of weights that hardly move, they are what is
// exported.
func TestFrozenStatistics(t *testing.T) {
	settings := []string{body, "qat.epochs=3", "qat.lr=1e-30", "data.train_limit=200", "data.test_limit=20"}
	for _, c := range []struct {
		frozen string
		same   bool
	}{{"qat.batchnorm_freeze=1", true}, {"qat.batchnorm_freeze=0", false}} {
		folder := trained(t, small(t, append(settings, "qat.batchnorm_reestimate=50", c.frozen)...)).Folder
		last, best := statistics(opened(t, folder, "checkpoint-last.safetensors")), statistics(opened(t, folder, "checkpoint-best.safetensors"))
		if slices.Equal(last, best) != c.same {
			t.Errorf("%s: the statistics that training ends with are %v, those exported %v", c.frozen, last, best)
		}
	}
}

// TestFrozenOscillations notes how many weights are frozen, more and more; there are none to freeze at 8 bits.
func TestFrozenOscillations(t *testing.T) {
	settings := []string{body, "qat.method=lsq", "qat.weight_bits=2", "qat.activation_bits=2", "qat.lr=0.1", "qat.epochs=3", "qat.freeze_oscillating=0.02", "batch=8", "data.train_limit=300", "data.test_limit=20"}
	record, err := pipeline.ReadRecord(trained(t, small(t, settings...)).Folder)
	if err != nil {
		t.Fatal(err)
	}
	last := 0.0
	for _, e := range record.Epochs {
		if e.Frozen < last || e.Frozen > 1 || e.Phase == "float" && e.Frozen != 0 {
			t.Errorf("%s epoch %d: the part %v of the weights is frozen, after %v", e.Phase, e.Epoch, e.Frozen, last)
		}
		last = e.Frozen
	}
	if last == 0 {
		t.Error("nothing was frozen")
	}
	for _, s := range []string{"qat.dampen=0.1", "qat.freeze_oscillating=0.1"} {
		_, err := pipeline.Train(t.Context(), small(t, "qat.method=int", s), pipeline.Options{})
		if err == nil || !strings.Contains(err.Error(), "weights of at most 4 bits") {
			t.Errorf("%s with 8 bits: error %v", s, err)
		}
	}
}

// TestForeignSettings names a setting that no method in use reads.
func TestForeignSettings(t *testing.T) {
	for setting, want := range map[string]string{
		"qat.start=mse":         "qat.start is a setting of the method lsq",
		"qat.threshold=0.1":     "qat.threshold is a setting of the method ttq",
		"qat.steps=[0.3, 1]":    "qat.steps is a setting of the method inq",
		"qat.price=2":           "qat.price is a setting of the method hgq",
		"qat.start=best":        `qat.start is "best", must be mean or mse`,
		"qat.fixed_ranges=true": "", // the first and the last layer read it
		"teacher.temperature=5": "teacher.temperature and teacher.weight are settings of a teacher, which the recipe has not",
		"teacher.weight=1":      "teacher.temperature and teacher.weight are settings of a teacher, which the recipe has not",
	} {
		_, err := pipeline.Train(t.Context(), small(t, "qat.method=pact", setting, "float.epochs=1", "qat.epochs=1", "data.train_limit=64", "data.test_limit=8"), pipeline.Options{})
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: error %v, want %q", setting, err, want)
		}
	}
	_, err := pipeline.Train(t.Context(), small(t, "teacher.checkpoint=any", "qat.epochs=0", "data.train_limit=64", "data.test_limit=8"), pipeline.Options{})
	if err == nil || !strings.Contains(err.Error(), "learns from a teacher, but qat.epochs is 0") {
		t.Errorf("a teacher without a quantized phase: error %v", err)
	}
	trained(t, small(t, "qat.method=pact", "qat.layers=[{match: conv2, method: lsq}]", "qat.start=mse", "float.epochs=1", "qat.epochs=1", "data.train_limit=64", "data.test_limit=8"))
}

// TestQuantizationStartsFromTheAverage quantizes in one run what the float phase averaged, and in another what it left
// behind: both are the same training, and another one than without an average.
func TestQuantizationStartsFromTheAverage(t *testing.T) {
	settings := []string{body, "data.train_limit=300", "data.test_limit=20"}
	model := func(more ...string) (folder string, bytes []byte) {
		folder = trained(t, small(t, append(settings, more...)...)).Folder
		return folder, read(t, folder, "model.qmodel")
	}
	folder, want := model("float.average=0.9")
	if _, got := model("init=" + filepath.Join(folder, "checkpoint-float.safetensors")); !slices.Equal(got, want) {
		t.Error("the quantized phase of the run starts from other weights than its float checkpoint has")
	}
	if _, got := model(); slices.Equal(got, want) {
		t.Error("the average changes nothing")
	}
	only := trained(t, small(t, append(settings, "float.average=0.9", "float.epochs=1", "qat.epochs=0")...)).Folder
	averaged, live := values(opened(t, only, "checkpoint-float.safetensors"), "deep"), values(opened(t, only, "checkpoint-last.safetensors"), "deep")
	if slices.Equal(averaged, live) {
		t.Error("the float checkpoint has the weights of the last step, not their average")
	}
}
