// SPDX-License-Identifier: Apache-2.0

package recipe_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/goqat/goqat/qat/settings"
	"github.com/goqat/goqat/recipe"
)

func TestDefaultIsValidAndComplete(t *testing.T) {
	r := recipe.Default()
	if err := r.Validate(); err != nil {
		t.Error(err)
	}
	for name, data := range map[string]string{"nothing": "", "comment": "# all defaults\n", "itself": string(r.YAML())} {
		got, err := recipe.Parse([]byte(data), name)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, r) {
			t.Errorf("%s: %+v, want %+v", name, got, r)
		}
	}
}

const full = `version: v1.2.3
model:
  - {kind: conv, name: stem, channels: 16, kernel: 3, pad: 1, norm: true, activation: relu}
  - kind: residual
    activation: relu
    body:
      - {kind: conv, channels: 32, kernel: 3, stride: 2, pad: 1, groups: 2, norm: true, activation: relu}
      - {kind: depthwise, kernel: 3, pad: 1, norm: true}
    shortcut:
      - {kind: conv, channels: 32, kernel: 1, stride: 2, norm: true}
  - {kind: maxpool, size: 2}
  - {kind: avgpool, size: 2, stride: 1}
  - {kind: relu}
  - {kind: globalavgpool}
  - {kind: flatten}
  - {kind: dropout, rate: 0.5}
  - {kind: linear}
data:
  name: cifar10
  dir: /data
  height: 32
  width: 32
  channels: 3
  resize: pad
  augment: {crop: 4, flip: true, rotate: 10, scale: 0.1, brightness: 0.2, contrast: 0.3, noise: 0.02, cutout: 0.25, mixup: 0.4}
  balance: 0.5
  skip_broken: true
  train_limit: 1000
  test_limit: 100
batch: 128
shards: 4
seed: 7
threads: 2
init: float.safetensors
transfer: {head: new, freeze: [conv*, stem], body_rate: 0.1}
float:
  epochs: 30
  optimizer: adamw
  lr: 1e-3
  momentum: 0
  nesterov: false
  schedule: step
  milestones: [0.5, 0.8]
  warmup: 1.5
  decay: 0.01
  clip_norm: 5
  average: 0.999
  patience: 7
qat:
  epochs: 10
  optimizer: adam
  lr: 0.0005
  schedule: constant
  method: lsq
  weights: dorefa
  weight_bits: 2
  activation_bits: 3
  gradient_bits: 6
  first_last: 8
  clip_decay: 0
  granularity: per_tensor
  ranges: online
  observer: minmax
  observer_freeze: 1
  batchnorm_freeze: 3
  batchnorm_reestimate: 500
  ewgs: 0.3
  dampen: 0.1
  freeze_oscillating: 0.02
  scales: pow2
  bias: accumulator
  residuals: wide
  packing: dense
  input_scaling: true
  start: mse
  threshold: 0.1
  steps: [0.4, 1]
  price: 0.25
  layers:
    - {match: "fc*", weight_bits: 4, activation_bits: 8, method: int, ranges: offline}
  stages:
    - {epochs: 2, match: "conv*", weight_bits: 8, activation_bits: 32}
    - {epochs: 3}
loss: cross_entropy
smoothing: 0.1
class_weights: {cat: 2, dog: 0.5}
best: balanced
teacher: {checkpoint: big.safetensors, temperature: 2, weight: 0.7}
verify: {images: 10}
out: runs/try
`

func TestParseReadsEveryKey(t *testing.T) {
	got, err := recipe.Parse([]byte(full), "full.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want := &recipe.Recipe{
		Version: "v1.2.3",
		Model: recipe.Model{Name: "custom", Width: 1, Layers: []recipe.Layer{
			{Kind: "conv", Name: "stem", Channels: 16, Kernel: recipe.Pair{3, 3}, Pad: recipe.AllSides(1), Norm: true, Activation: "relu"},
			{
				Kind: "residual", Activation: "relu",
				Body: []recipe.Layer{
					{Kind: "conv", Channels: 32, Kernel: recipe.Pair{3, 3}, Stride: recipe.Pair{2, 2}, Pad: recipe.AllSides(1), Groups: 2, Norm: true, Activation: "relu"},
					{Kind: "depthwise", Kernel: recipe.Pair{3, 3}, Pad: recipe.AllSides(1), Norm: true},
				},
				Shortcut: []recipe.Layer{{Kind: "conv", Channels: 32, Kernel: recipe.Pair{1, 1}, Stride: recipe.Pair{2, 2}, Norm: true}},
			},
			{Kind: "maxpool", Size: recipe.Pair{2, 2}}, {Kind: "avgpool", Size: recipe.Pair{2, 2}, Stride: recipe.Pair{1, 1}}, {Kind: "relu"}, {Kind: "globalavgpool"},
			{Kind: "flatten"}, {Kind: "dropout", Rate: 0.5}, {Kind: "linear"},
		}},
		Data: recipe.Data{
			Name: "cifar10", Dir: "/data", Height: 32, Width: 32, Channels: 3, Resize: "pad",
			Augment: recipe.Augment{
				Crop: recipe.Length{Pixels: 4}, Flip: true, Rotate: 10, Scale: 0.1, Brightness: 0.2, Contrast: 0.3, Noise: 0.02, Cutout: 0.25, Mixup: 0.4,
			},
			Balance: 0.5, SkipBroken: true, TrainLimit: 1000, TestLimit: 100,
		},
		Batch: 128, Shards: 4, Seed: 7, Threads: 2, Init: "float.safetensors",
		Transfer: recipe.Transfer{Head: "new", Freeze: []string{"conv*", "stem"}, BodyRate: 0.1},
		Float: recipe.Phase{
			Epochs: 30, Optimizer: "adamw", LR: 1e-3, Schedule: "step", Milestones: []float64{0.5, 0.8},
			Warmup: 1.5, Decay: 0.01, ClipNorm: 5, Average: 0.999, Patience: 7,
		},
		QAT: recipe.QAT{
			Phase: recipe.Phase{
				Epochs: 10, Optimizer: "adam", LR: 5e-4, Momentum: 0.9, Nesterov: true, Schedule: "constant",
				Decay: recipe.Default().QAT.Decay,
			},
			Method: "lsq", Weights: "dorefa", WeightBits: 2, ActivationBits: 3, GradientBits: 6, FirstLast: "8", Granularity: "per_tensor",
			Ranges: "online", Observer: "minmax", ObserverFreeze: 1, BatchNormFreeze: 3, BatchNormReestimate: 500, EWGS: 0.3, Dampen: 0.1, FreezeOscillating: 0.02, Scales: "pow2", Bias: "accumulator", Packing: "dense", Residuals: "wide", InputScaling: true,
			All:    settings.All{LSQ: settings.LSQ{Start: "mse"}, TTQ: settings.TTQ{Threshold: 0.1}, INQ: settings.INQ{Steps: []float64{0.4, 1}}, HGQ: settings.HGQ{Price: 0.25}},
			Layers: []recipe.Rule{{Match: "fc*", WeightBits: 4, ActivationBits: 8, Method: "int", Ranges: "offline"}},
			Stages: []recipe.Stage{{Epochs: 2, Match: "conv*", WeightBits: 8, ActivationBits: 32}, {Epochs: 3}},
		},
		Loss: "cross_entropy", Smoothing: 0.1, ClassWeights: recipe.ClassWeights{ByName: map[string]float64{"cat": 2, "dog": 0.5}}, Best: "balanced",
		Teacher: recipe.Teacher{Checkpoint: "big.safetensors", Temperature: 2, Weight: 0.7},
		Verify:  recipe.Verify{Images: 10},
		Out:     "runs/try",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if err := got.Validate(); err != nil {
		t.Error(err)
	}
	again, err := recipe.Parse(got.YAML(), "config.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(again, want) {
		t.Errorf("written and read: %+v\nwant %+v", again, want)
	}
}

func TestModelForms(t *testing.T) {
	tests := []struct{ yaml, name string }{
		{"model: resnet20", "resnet20"},
		{"model: {name: resnet20}", "resnet20"},
		{"model: {name: resnet20, width: 1}", "resnet20"},
		{"model: {width: 1, name: resnet20}", "resnet20"},
		{"model: {width: 1}", "lenet"},
		{"model: {name: mine, layers: [{kind: linear}]}", "mine"},
		{"model: {layers: [{kind: linear}], name: mine}", "mine"},
		{"model: [{kind: linear}]", "custom"},
	}
	for _, test := range tests {
		r, err := recipe.Parse([]byte(test.yaml), "m.yaml")
		if err != nil {
			t.Fatal(err)
		}
		want := recipe.Model{Name: test.name, Width: 1}
		if strings.Contains(test.yaml, "linear") {
			want.Layers = []recipe.Layer{{Kind: "linear"}}
		}
		if !reflect.DeepEqual(r.Model, want) {
			t.Errorf("%s: %+v, want %+v", test.yaml, r.Model, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	tests := []struct{ name, yaml, want string }{
		{"unknown key", "batch: 8\nqat:\n  wieght_bits: 4\n",
			`recipe: r.yaml:3: unknown key "qat.wieght_bits", did you mean "qat.weight_bits"?`},
		{"key of another section", "weight_bits: 4\n",
			`recipe: r.yaml:1: unknown key "weight_bits", did you mean "qat.weight_bits"?`},
		{"key of two other sections", "epochs: 4\n",
			`recipe: r.yaml:1: unknown key "epochs", did you mean "float.epochs" or "qat.epochs"?`},
		{"nothing near", "verify: {frobnicate: 4}\n",
			`recipe: r.yaml:1: unknown key "verify.frobnicate", known here: images`},
		{"inside a list", "qat:\n  layers:\n    - {match: conv1}\n    - {match: fc, bits: 8, weigth_bits: 8}\n",
			`recipe: r.yaml:4: unknown key "qat.layers[1].bits", known here: match, method, weights, weight_bits, activation_bits, ranges; ` +
				`r.yaml:4: unknown key "qat.layers[1].weigth_bits", did you mean "qat.layers[1].weight_bits"?`},
		{"inside a model", "model:\n  - kind: residual\n    body:\n      - {kind: conv, chanels: 8}\n",
			`recipe: r.yaml:4: unknown key "model.layers[0].body[0].chanels", did you mean "model.layers[0].body[0].channels"?`},
		{"repeated key", "batch: 8\nseed: 1\nbatch: 9\n",
			`recipe: r.yaml:3: batch is already set in line 1`},
		{"word for a number", "batch: many\n", `recipe: r.yaml:1: batch is "many", must be a whole number`},
		{"fraction for a whole number", "batch: 1.5\n", `recipe: r.yaml:1: batch is "1.5", must be a whole number`},
		{"quoted number", "batch: \"8\"\n", `recipe: r.yaml:1: batch is "8", must be a whole number`},
		{"too large", "batch: 99999999999999999999\n", `recipe: r.yaml:1: batch is "99999999999999999999", must be a whole number`},
		{"octal", "seed: 010\n", `recipe: r.yaml:1: seed is "010", must be a whole number in decimal digits, without a 0 before them`},
		{"hexadecimal", "seed: 0x10\n", `recipe: r.yaml:1: seed is "0x10", must be a whole number in decimal digits, without a 0 before them`},
		{"underscore", "float: {lr: 1_0}\n", `recipe: r.yaml:1: float.lr is "1_0", must be a number`},
		{"octal length", "data: {augment: {crop: 010}}\n", `recipe: r.yaml:1: data.augment.crop must be a whole number of pixels, or a share of the shorter side as in 4%`},
		{"not finite", "float:\n  lr: .nan\n", `recipe: r.yaml:2: float.lr is ".nan", must be a number`},
		{"word for a switch", "data: {augment: {flip: maybe}}\n", `recipe: r.yaml:1: data.augment.flip is "maybe", must be true or false`},
		{"nothing for a number", "batch:\n", `recipe: r.yaml:1: batch must be a whole number`},
		{"list for a word", "out: [a]\n", `recipe: r.yaml:1: out must be a word; a list of values is a grid, for qat sweep`},
		{"nothing for a section", "qat:\n", `recipe: r.yaml:1: qat must be a mapping of keys to values`},
		{"word for a section", "data: cifar10\n", `recipe: r.yaml:1: data must be a mapping of keys to values`},
		{"number for a list", "qat: {layers: 3}\n", `recipe: r.yaml:1: qat.layers must be a list`},
		{"nothing for the model", "model:\n", `recipe: r.yaml:1: model must be a mapping of keys to values`},
		{"alias", "float: &f {lr: 0.1}\nqat: *f\n", `recipe: r.yaml:2: qat must be a mapping of keys to values`},
		{"list for a key", "? [a]\n: 1\n", `recipe: r.yaml:1: a key of the recipe must be a word`},
		{"no mapping", "- batch\n", `recipe: r.yaml:1: the recipe must be a mapping of keys to values`},
		{"several problems", "bacth: 8\nseed: x\n",
			`recipe: r.yaml:1: unknown key "bacth", did you mean "batch"?; r.yaml:2: seed is "x", must be a whole number`},
		{"tab", "qat:\n\tlr: 1\n", `recipe: r.yaml: yaml: line 2: found character that cannot start any token; indent by spaces, YAML takes no tabs`},
		{"list", "seed: [1, 2]\n", `recipe: r.yaml:1: seed must be a whole number; a list of values is a grid, for qat sweep`},
		{"two documents", "batch: 8\n---\nbatch: 9\n", `recipe: r.yaml: more than one document, keep one`},
		{"no YAML", "batch: [8\n", `recipe: r.yaml: yaml: line 1: did not find expected ',' or ']'`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := recipe.Parse([]byte(test.yaml), "r.yaml")
			if err == nil || err.Error() != test.want {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
		})
	}
}

func TestManyProblemsAreCutShort(t *testing.T) {
	_, err := recipe.Parse([]byte(strings.Repeat("junk: 1\n", 100)), "r.yaml")
	if err == nil || !strings.HasSuffix(err.Error(), "; and more") {
		t.Errorf("got %v", err)
	}
}

func TestLoad(t *testing.T) {
	file := filepath.Join(t.TempDir(), "r.yaml")
	if err := os.WriteFile(file, []byte("batch: 3"), 0o600); err != nil {
		t.Fatal(err)
	}
	if r, err := recipe.Load(file); err != nil || r.Batch != 3 {
		t.Errorf("got %+v, %v", r, err)
	}
	if _, err := recipe.Load(file + "x"); err == nil || !strings.HasPrefix(err.Error(), "recipe: open ") {
		t.Errorf("missing file: %v", err)
	}
}

// Checkpoints are looked for beside the recipe, and then from the working folder on.
func TestLoadFindsCheckpoints(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for path, text := range map[string]string{"net/r.yaml": "init: float.safetensors\nteacher: {checkpoint: ../big.safetensors}", "net/float.safetensors": "",
		"float.safetensors": "", "big.safetensors": "", "else/r.yaml": "init: net/float.safetensors\nteacher: {checkpoint: /big.safetensors}"} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string][2]string{"net/r.yaml": {"net/float.safetensors", "big.safetensors"}, "else/r.yaml": {"net/float.safetensors", "/big.safetensors"}} {
		r, err := recipe.Load(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := [2]string{r.Init, r.Teacher.Checkpoint}; got != want {
			t.Errorf("%s names %q, want %q", path, got, want)
		}
	}
}

func TestSet(t *testing.T) {
	r := recipe.Default()
	for _, s := range []string{
		"qat.weight_bits=2", "qat.lr=0.5", "qat.first_last=same", "data.augment.flip=true", "out=runs/a=b: c", "model.width=0.5",
		"qat.layers=[{match: fc*, weight_bits: 8}]", "float.milestones=[0.1, 0.2]", "loss=squared_hinge", "qat.steps=[0.3, 1]",
	} {
		if err := r.Set(s); err != nil {
			t.Error(err)
		}
	}
	want := recipe.Default()
	want.QAT.WeightBits, want.QAT.LR, want.QAT.FirstLast = 2, 0.5, "same"
	want.Data.Augment.Flip, want.Out, want.Model.Width = true, "runs/a=b: c", 0.5
	want.QAT.Layers = []recipe.Rule{{Match: "fc*", WeightBits: 8}}
	want.Float.Milestones, want.QAT.Steps, want.Loss = []float64{0.1, 0.2}, []float64{0.3, 1}, "squared_hinge"
	if !reflect.DeepEqual(r, want) {
		t.Errorf("got  %+v\nwant %+v", r, want)
	}
	if err := r.Set("model=resnet20"); err != nil || !reflect.DeepEqual(r.Model, recipe.Model{Name: "resnet20", Width: 1}) {
		t.Errorf("model=resnet20: %+v, %v", r.Model, err)
	}
}

func TestSetRefuses(t *testing.T) {
	tests := []struct{ set, want string }{
		{"batch", `recipe: "batch" sets nothing, write path=value`},
		{"bacth=3", `recipe: unknown key "bacth", did you mean "batch"?`},
		{"qat.weight_bit=3", `recipe: unknown key "qat.weight_bit", did you mean "qat.weight_bits"?`},
		{"weight_bits=3", `recipe: unknown key "weight_bits", did you mean "qat.weight_bits"?`},
		{"=3", `recipe: unknown key "", known here: version, model, data, batch, shards, seed, threads, init, transfer, float, qat, loss, smoothing, class_weights, best, teacher, verify, out`},
		{"batch.size=3", `recipe: batch has no keys below it, so "batch.size" cannot be set`},
		{"batch=many", `recipe: batch=many: batch is "many", must be a whole number`},
		{"batch=", `recipe: batch=: batch must be a whole number`},
		{"data.augment={flip: true, crop: x}", `recipe: data.augment={flip: true, crop: x}: data.augment.crop must be a whole number of pixels, or a share of the shorter side as in 4%`},
		{"qat.layers=[{", `recipe: qat.layers: yaml: line 1: did not find expected node content`},
	}
	for _, test := range tests {
		r := recipe.Default()
		if err := r.Set(test.set); err == nil || err.Error() != test.want {
			t.Errorf("%s\ngot  %v\nwant %s", test.set, err, test.want)
		}
		if !reflect.DeepEqual(r, recipe.Default()) {
			t.Errorf("%s: changed the recipe", test.set)
		}
	}
}

func TestNearest(t *testing.T) {
	tests := []struct{ word, want string }{
		{"pcat", "pact"}, {"Pact", "pact"}, {"dorfa", "dorefa"}, {"lsq", "lsq"}, {"ls", "lsq"}, {"binary", ""}, {"x", ""}, {"in", "int"}, {"", ""}, {"xyz", ""},
	}
	for _, test := range tests {
		if got := recipe.Nearest(test.word, []string{"int", "pact", "dorefa", "lsq", "lsq+"}); got != test.want {
			t.Errorf("%q: %q, want %q", test.word, got, test.want)
		}
	}
}

// TestHostileTextsAreRefusedAtOnce has texts that are long, deep, or wrong in
// every line: the error is short.
func TestHostileTextsAreRefusedAtOnce(t *testing.T) {
	for name, text := range map[string]string{
		"a key again and again": strings.Repeat("batch: 1\n", 1e5),
		"unknown keys":          strings.Repeat("bath: 1\n", 1e5),
		"a long key":            strings.Repeat("x", 1e6) + ": 1",
		"a long text":           strings.Repeat("#\n", 1e6),
		"a deep list":           strings.Repeat("[", 1e5),
		"many layers":           "model: [" + strings.Repeat("{kind: flatten},", 5000) + "]",
		"deep layers":           "model: " + strings.Repeat("[{kind: residual, body: ", 100) + "[]" + strings.Repeat("}]", 100),
	} {
		r, err := recipe.Parse([]byte(text), "r.yaml")
		if err == nil {
			err = r.Validate()
		}
		if err == nil || len(err.Error()) > 1<<21 {
			t.Errorf("%s: %.300v", name, err)
		}
	}
}
