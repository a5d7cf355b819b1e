// SPDX-License-Identifier: Apache-2.0

package search_test

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/goqat/goqat/calibrate"
	"github.com/goqat/goqat/describe"
	"github.com/goqat/goqat/pipeline"
	"github.com/goqat/goqat/qmodel"
	"github.com/goqat/goqat/quantize"
	"github.com/goqat/goqat/recipe"
	"github.com/goqat/goqat/search"
)

// branches has a tensor that two layers and an addition read, a pooling, a concatenation
// and a tensor that only an average reads.
const branches = `model=[
{name: stem, kind: conv, channels: 4, kernel: 3, stride: 2, pad: 1, norm: true, activation: relu},
{name: res, kind: residual, activation: relu, body: [{kind: conv, channels: 8, kernel: 3, pad: 1, norm: true}], shortcut: [{kind: conv, channels: 8, kernel: 1, norm: true}]},
{name: pool, kind: maxpool, size: 2},
{name: left, kind: conv, channels: 4, kernel: 1, norm: true, activation: relu},
{name: right, kind: conv, channels: 4, kernel: 3, pad: 1, norm: true, activation: relu, inputs: [pool]},
{name: both, kind: concat, inputs: [left, right]},
{name: last, kind: conv, channels: 8, kernel: 3, norm: true, activation: relu},
{kind: globalavgpool}, {name: fc, kind: linear}]`

// trained returns the float checkpoint of a short training.
func trained(t *testing.T, settings ...string) string {
	t.Helper()
	r := recipe.Default()
	r.Out = filepath.Join(t.TempDir(), "run")
	for _, s := range append([]string{"data.train_limit=256", "data.test_limit=16", "batch=32", "float.epochs=2", "qat.epochs=1", "qat.batchnorm_freeze=0", "verify.images=16"}, settings...) {
		if err := r.Set(s); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := pipeline.Train(t.Context(), r, pipeline.Options{}); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(r.Out, "checkpoint-float.safetensors")
}

// options returns those of a short search.
func options(t *testing.T, checkpoint, budget, ranking string) search.Options {
	t.Helper()
	b, err := search.ParseBudget(budget)
	if err != nil {
		t.Fatal(err)
	}
	return search.Options{
		Checkpoint: checkpoint, Measure: 16,
		Settings: quantize.Settings{Threads: 2, Granularity: "per_channel", Images: 64, Numbers: calibrate.Options{Percentile: 99.99, Deviations: 3}},
		Budget:   b, Widths: []int{2, 4, 8}, Ranking: ranking, Probes: 2,
	}
}

// TestBudgets searches under each budget and trains by the recipe: the model has the bits
// that were chosen, and takes no more than the budget.
func TestBudgets(t *testing.T) {
	checkpoint := trained(t, branches)
	for _, c := range []struct {
		budget, ranking string
		spent           func(m *qmodel.Model, d *describe.Description, bytes int64) float64
	}{
		{"bytes=2800 dense", search.BySNR, func(_ *qmodel.Model, _ *describe.Description, bytes int64) float64 { return float64(bytes) }},
		{"bytes=7400", search.BySNR, func(_ *qmodel.Model, _ *describe.Description, bytes int64) float64 { return float64(bytes) }},
		{"bitops=7e5", search.ByLoss, func(_ *qmodel.Model, d *describe.Description, _ int64) (sum float64) {
			for _, l := range d.Layers {
				sum += float64(l.MACs) * float64(l.WeightBits*l.ActivationBits)
			}
			return sum
		}},
		{"energy=0.04", search.BySNR, func(_ *qmodel.Model, d *describe.Description, _ int64) float64 { return d.EnergyUJ }},
		{"bits=4.5", search.ByHessian, func(m *qmodel.Model, _ *describe.Description, _ int64) float64 {
			var values, sum float64
			for _, o := range m.Operators {
				if w := o.Weights; w != nil {
					values, sum = values+float64(w.Len()), sum+float64(w.Len()*w.Bits)
				}
			}
			return sum / values
		}},
	} {
		t.Run(c.budget, func(t *testing.T) {
			budget, packing, _ := strings.Cut(c.budget, " ")
			o := options(t, checkpoint, budget, c.ranking)
			if o.Settings.Packing = packing; packing != "" {
				o.Widths = []int{2, 3, 5, 6, 8}
			}
			r, err := search.Run(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(t.TempDir(), "mixed.yaml")
			if err := os.WriteFile(file, r.Recipe.YAML(), 0o644); err != nil {
				t.Fatal(err)
			}
			again, err := recipe.Load(file)
			if err != nil {
				t.Fatal(err)
			}
			again.Out = filepath.Join(t.TempDir(), "run")
			s, err := pipeline.Train(t.Context(), again, pipeline.Options{})
			if err != nil || s.Verify == nil || s.Verify.IntegerMismatches != 0 {
				t.Fatalf("%+v, %v", s, err)
			}
			content, err := os.ReadFile(filepath.Join(again.Out, "model.qmodel"))
			if err != nil {
				t.Fatal(err)
			}
			m, err := qmodel.Read(bytes.NewReader(content), int64(len(content)))
			if err != nil {
				t.Fatal(err)
			}
			d, err := describe.Model(m, "")
			if err != nil {
				t.Fatal(err)
			}
			got, packed := map[string][2]int{}, false
			for _, l := range d.Layers {
				got[l.Name] = [2]int{l.WeightBits, l.ActivationBits}
				packed = packed || l.Packing != ""
			}
			for _, l := range r.Layers {
				if want := [2]int{l.WeightBits, l.ActivationBits}; got[l.Name] != want {
					t.Errorf("%s has bits of %v, chosen are %v", l.Name, got[l.Name], want)
				}
			}
			if packed != (packing != "") {
				t.Errorf("layers are packed densely: %t", packed)
			}
			spent := c.spent(m, d, s.SizeBytes.Integer)
			if spent > o.Budget.Most || spent < 0.5*o.Budget.Most {
				t.Errorf("the model takes %v of %v", spent, o.Budget.Most)
			}
			if d.EnergyUJ != r.Spent.EnergyUJ || s.SizeBytes.Integer > r.Spent.FileBytes || r.Spent.FileBytes > s.SizeBytes.Integer+1200 {
				t.Errorf("%v µJ and %d bytes, the search says %+v", d.EnergyUJ, s.SizeBytes.Integer, r.Spent)
			}
		})
	}
}

// TestSearchGoesOn cuts the measurements of a search short: the next gives the same,
// and one of another budget measures nothing anew.
func TestSearchGoesOn(t *testing.T) {
	checkpoint := trained(t)
	o := options(t, checkpoint, "bits=4", search.ByHessian)
	o.Record = filepath.Join(t.TempDir(), "m.jsonl")
	want, err := search.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	all, err := os.ReadFile(o.Record)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(o.Record, all[:len(all)*2/3], 0o644); err != nil {
		t.Fatal(err)
	}
	got, err := search.Run(t.Context(), o)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
	o.Budget.Most = 3
	if _, err := search.Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if again, err := os.ReadFile(o.Record); err != nil || string(again) != string(all) {
		t.Errorf("the file of measurements has changed: %s, was %s", again, all)
	}
	o.Measure = 15
	if _, err := search.Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "measurements of something else") {
		t.Errorf("error %v", err)
	}
}

// TestRefused names what cannot be searched for.
func TestRefused(t *testing.T) {
	checkpoint := trained(t)
	for _, c := range []struct {
		change func(*search.Options)
		want   string
	}{
		{func(o *search.Options) { o.Budget = search.Budget{Of: search.Bytes, Most: 100} }, "with the fewest bits, more than the budget of 100"},
		{func(o *search.Options) { o.Budget.Most = 1.5 }, "the network takes"},
		{func(o *search.Options) { o.Widths = []int{1, 8} }, "want some of 2 to 8"},
		{func(o *search.Options) { o.Method = "bnn" }, "method bnn has no 2 bits"},
		{func(o *search.Options) { o.Method = "pect" }, `no method "pect"`},
		{func(o *search.Options) { o.Ranking = "guess" }, `no ranking "guess"`},
		{func(o *search.Options) { o.Checkpoint = filepath.Join(t.TempDir(), "none") }, "none"},
	} {
		o := options(t, checkpoint, "bits=4", search.BySNR)
		c.change(&o)
		if _, err := search.Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
	for _, s := range []string{"", "bits", "bits=", "bits=0", "bits=NaN", "bits=-3", "bits=inf", "bit=4", "bytes=1e999"} {
		if b, err := search.ParseBudget(s); err == nil {
			t.Errorf("%q is the budget %v", s, b)
		}
	}
}
