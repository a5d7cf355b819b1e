// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"strings"
	"testing"

	"github.com/goqat/goqat/recipe"
)

// TestChoose holds the rules at sets of several sizes and kinds, and against what somebody
// gave.
func TestChoose(t *testing.T) {
	for _, c := range []struct {
		name             string
		given            []string
		facts            facts
		model            string
		bits, batch      int
		float, quantized int
		balance          float64
	}{
		{name: "300 gray images", facts: facts{images: 300, height: 28, width: 28, channels: 1}, model: "lenet-norm", bits: 8, batch: 16, float: 60, quantized: 15},
		{name: "2000 photographs", facts: facts{images: 2000, height: 48, width: 64, channels: 3, unbalanced: true}, model: "pooled", bits: 8, batch: 32, float: 54, quantized: 14, balance: 1},
		{name: "20000 large photographs", facts: facts{images: 18000, height: 256, width: 256, channels: 3}, model: "pooled", bits: 4, batch: 16, float: 12, quantized: 4},
		{name: "54000 small images", facts: facts{images: 54000, height: 28, width: 28, channels: 1}, model: "lenet-norm", bits: 4, batch: 64, float: 12, quantized: 4},
		{name: "recordings", facts: facts{images: 300, height: 1, width: 128, channels: 3, signals: true}, model: "pooled", bits: 8, batch: 16, float: 60, quantized: 15},
		{name: "one left over", facts: facts{images: 321, height: 28, width: 28, channels: 1}, model: "lenet-norm", bits: 8, batch: 17, float: 60, quantized: 15},
		{name: "rows", facts: facts{images: 6000, height: 1, width: 1, channels: 12, signals: true}, model: "mlp", bits: 4, batch: 64, float: 36, quantized: 9},
		{name: "tiny pictures", facts: facts{images: 6000, height: 3, width: 3, channels: 1}, model: "mlp", bits: 4, batch: 64, float: 36, quantized: 9},
		{name: "everything given", given: []string{"model.width", "qat.weight_bits", "batch", "float.epochs", "qat", "class_weights", "data.height"},
			facts: facts{images: 300, height: 64, width: 64, channels: 3, unbalanced: true}, model: "lenet", bits: 0, batch: 64, float: 24, quantized: 6},
	} {
		r := recipe.Default()
		r.Data.Name = "photos"
		choice := Choice{Given: c.given}
		reasons := strings.Join(choice.choose(r, c.facts), "\n")
		if r.Model.Name != c.model || r.QAT.WeightBits != c.bits || r.Batch != c.batch || r.Float.Epochs != c.float || r.QAT.Epochs != c.quantized || r.Data.Balance != c.balance {
			t.Errorf("%s: %s, %d bits, batches of %d, %d and %d epochs, balance %v\n%s", c.name, r.Model.Name, r.QAT.WeightBits, r.Batch, r.Float.Epochs, r.QAT.Epochs, r.Data.Balance, reasons)
		}
		if err := r.Validate(); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if strings.Contains(reasons, "rows of a table") && !c.facts.signals || strings.Contains(reasons, "pictures") && c.facts.signals {
			t.Errorf("%s: reasons of other data: %s", c.name, reasons)
		}
	}
}

// TestChooseFewBits wants two bits to be learned as docs/results.md measured it, whoever's
// the images are, and nothing that was given to change.
func TestChooseFewBits(t *testing.T) {
	for _, c := range []struct {
		name           string
		given          []string
		weights, codes int
		batch, epochs  int
		rate           float64
		freeze, anew   int
	}{
		{name: "4 bits", weights: 4, codes: 4, batch: 64, epochs: 6, rate: 0.003, freeze: 2},
		{name: "2 bits", weights: 2, codes: 2, batch: 64, epochs: 24, rate: 0.01, anew: 1000},
		{name: "2 bits of activations, larger batches", given: []string{"batch"}, weights: 8, codes: 2, batch: 128, epochs: 24, rate: 0.02, anew: 1000},
		{name: "the method's own bits", batch: 64, epochs: 6, rate: 0.003, freeze: 2},
		{name: "given", given: []string{"qat.lr", "qat.epochs", "qat.batchnorm_freeze"}, weights: 2, codes: 2, batch: 64, epochs: 6, rate: 0.003, freeze: 2},
		{name: "stages", given: []string{"qat.stages"}, weights: 2, codes: 2, batch: 64, epochs: 6, rate: 0.003, freeze: 2},
	} {
		r := recipe.Default()
		r.QAT.WeightBits, r.QAT.ActivationBits, r.Batch = c.weights, c.codes, c.batch
		choice := Choice{Given: append(c.given, "qat.weight_bits")}
		reasons := choice.choose(r, facts{images: 9000, height: 28, width: 28, channels: 1})
		if q := r.QAT; q.Epochs != c.epochs || q.LR != c.rate || q.BatchNormFreeze != c.freeze || q.BatchNormReestimate != c.anew {
			t.Errorf("%s: %d epochs, rate %v, %d frozen, %d images\n%s", c.name, q.Epochs, q.LR, q.BatchNormFreeze, q.BatchNormReestimate, strings.Join(reasons, "\n"))
		}
		few := c.weights == 2 && c.name != "stages"
		if told := len(reasons) > 0; told != (few || c.codes == 2 && c.name != "stages") || (r.QAT.Residuals == "wide") != told {
			t.Errorf("%s: told %q, %s residuals", c.name, reasons, r.QAT.Residuals)
		}
	}
}

// TestChooseSteps wants the learned steps of two bits to begin with the least error and not to
// decay, unless that was given, and clips to decay as their paper has it.
func TestChooseSteps(t *testing.T) {
	for _, c := range []struct {
		method string
		bits   int
		given  []string
		start  string
		decay  float64
	}{
		{method: "lsq", bits: 2, start: "mse", decay: 0},
		{method: "lsq", bits: 4, start: "mean", decay: 5e-4},
		{method: "lsq", bits: 2, given: []string{"qat.start"}, start: "mean", decay: 0},
		{method: "lsq", bits: 2, given: []string{"qat.clip_decay"}, start: "mse", decay: 5e-4},
		{method: "pact", bits: 2, start: "mean", decay: 5e-4},
	} {
		r := recipe.Default()
		r.QAT.Method, r.QAT.WeightBits = c.method, c.bits
		choice := Choice{Given: append(c.given, "qat.method", "qat.weight_bits")}
		choice.choose(r, facts{images: 9000, height: 28, width: 28, channels: 1})
		if r.QAT.LSQ.Start != c.start || r.QAT.ClipDecay != c.decay {
			t.Errorf("%+v: start %s, decay %v", c, r.QAT.LSQ.Start, r.QAT.ClipDecay)
		}
	}
}

// TestChooseForPhotographs wants the usual augmentation of CIFAR-10, unless one was given.
func TestChooseForPhotographs(t *testing.T) {
	f := facts{images: 45000, height: 32, width: 32, channels: 3}
	r := recipe.Default()
	r.Data.Name = "cifar10"
	(&Choice{}).choose(r, f)
	if a := r.Data.Augment; a.Crop.Of(32, 32) != 4 || !a.Flip {
		t.Errorf("%+v", a)
	}
	r = recipe.Default()
	r.Data.Name = "cifar10"
	(&Choice{Given: []string{"data.augment.crop"}}).choose(r, f)
	if r.Data.Augment.Flip {
		t.Error("changed what was given")
	}
}
