// SPDX-License-Identifier: Apache-2.0

package recipe_test

import (
	"reflect"
	"testing"

	"github.com/goqat/goqat/recipe"
)

func TestValidateRefuses(t *testing.T) {
	tests := []struct{ yaml, want string }{
		{"batch: 0", `batch is 0, must be from 1 to 65536`},
		{"seed: -1", `seed is -1, must be from 0 to 2147483647`},
		{"shards: 0", `shards is 0, must be from 1 to 4096`},
		{"shards: 16", `shards is 16, which leaves fewer than 8 images of a batch of 64 for each; raise batch to 128 or lower shards`},
		{"threads: -1", `threads is -1, must be from 0 to 1024`},
		{"batch: 0\nseed: -1", `batch is 0, must be from 1 to 65536; seed is -1, must be from 0 to 2147483647`},

		{"model: ''", `model.name is empty`},
		{"model: {layers: []}", `model.layers has no layers; list them, or name a network with model.name`},
		{"model: []", `model.layers has no layers; list them, or name a network with model.name`},
		{"model: {width: 0}", `model.width is 0, must be above 0 and at most 64`},
		{"model: {layers: [{kind: linear}], width: 0.5}", `model.width is 0.5, but a list of layers has the channels it says; leave it out`},
		{"model: [{kind: cnov}]", `model.layers[0].kind is "cnov", did you mean "conv"? (activation, add, avgpool, concat, conv, depthwise, dropout, flatten, globalavgpool, linear, maxpool, multiply, norm, relu, residual, shuffle, slice or upsample)`},
		{"model: [{name: a}]", `model.layers[0].kind is "", must be activation, add, avgpool, concat, conv, depthwise, dropout, flatten, globalavgpool, linear, maxpool, multiply, norm, relu, residual, shuffle, slice or upsample`},
		{"model: [{kind: conv, channels: 8}]", `model.layers[0]: a layer of kind conv needs kernel`},
		{"model: [{kind: conv, channels: -8, kernel: 3}]", `model.layers[0].channels is -8, must be from 1 to 65536`},
		{"model: [{kind: flatten, size: 2}]", `model.layers[0].size: a layer of kind flatten has no size`},
		{"model: [{kind: maxpool, size: 2, kernel: 2}]", `model.layers[0].kernel: a layer of kind maxpool has no kernel, only size, stride, pad`},
		{"model: [{kind: dropout, rate: 1}]", `model.layers[0].rate is 1, must be at least 0 and below 1`},
		{"model: [{kind: linear, activation: relu7}]", `model.layers[0].activation is "relu7", did you mean "relu"? (none, relu, relu6, hard_swish, hard_sigmoid, sigmoid, silu, leaky_relu or prelu)`},
		{"model: [{kind: linear, activation: silu, slope: 0.1}]", `model.layers[0].slope: the activation silu has no slope`},
		{"model: [{kind: linear, slope: 0.1}]", `model.layers[0].slope: the activation none has no slope`},
		{"model: [{kind: linear, activation: prelu, slope: 200}]", `model.layers[0].slope is 200; choose a number from -100 to 100`},
		{"model: [{kind: shuffle}]", `model.layers[0]: a layer of kind shuffle needs groups`},
		{"model: [{kind: relu, name: a}, {kind: residual, body: [{kind: relu, name: a}]}]",
			`model.layers[1].body[0].name is "a", as that of model.layers[0]; names must differ`},
		{"model: [{kind: residual, shortcut: [{kind: relu, pad: 1}]}]",
			`model.layers[0]: a layer of kind residual needs body; model.layers[0].shortcut[0].pad: a layer of kind relu has no pad`},

		{"data: {name: ''}", `data.name is empty`},
		{"data: {height: -1}", `data.height is -1, must be from 0 to 4096`},
		{"data: {channels: 2}", `data.channels is 2, must be 1 for gray, 3 for colour or 0 for the data's own`},
		{"data: {augment: {crop: -4}}", `data.augment.crop is -4, must be pixels from 0 to 4096 or a share from 0% to below 100%`},
		{"data: {augment: {crop: 100%}}", `data.augment.crop is 100%, must be pixels from 0 to 4096 or a share from 0% to below 100%`},
		{"class_weights: {cat: -1}", `class_weights: the weight of "cat" is -1, must be from 0 to 1e+06`},
		{"loss: squared_hinge\nsmoothing: 0.1", `smoothing and data.augment.mixup need the loss cross_entropy, not squared_hinge`},
		{"best: balance", `best is "balance", did you mean "balanced"? (auto, accuracy or balanced)`},
		{"float: {average: 1}", `float.average is 1, must be at least 0 and below 1`},
		{"data: {test_limit: -4}", `data.test_limit is -4, must be from 0 to 2147483647`},

		{"float: {epochs: 0}\nqat: {epochs: 0}", `float.epochs and qat.epochs are both 0, so there is nothing to train`},
		{"float: {epochs: -1}", `float.epochs is -1, must be from 0 to 1048576; float.warmup is 0.5, must be from 0 to 0`},
		{"float: {optimizer: adamx}", `float.optimizer is "adamx", did you mean "adam"? (sgd, adam or adamw)`},
		{"qat: {lr: 0}", `qat.lr is 0, must be above 0 and at most 1000`},
		{"qat: {momentum: 1}", `qat.momentum is 1, must be at least 0 and below 1`},
		{"qat: {momentum: 0}", `qat.nesterov needs qat.momentum above 0`},
		{"qat: {schedule: linear}", `qat.schedule is "linear", must be constant, step or cosine`},
		{"qat: {schedule: step, milestones: [0.5, 0.5]}", `qat.milestones are [0.5 0.5], must be rising fractions between 0 and 1`},
		{"qat: {milestones: [0.5]}", `qat.milestones are of the schedule step, not of cosine`},
		{"qat: {warmup: 100}", `qat.warmup is 100, must be from 0 to 6`},
		{"qat: {decay: -1}", `qat.decay is -1, must be from 0 to 1`},
		{"qat: {clip_norm: -1}", `qat.clip_norm is -1, must be from 0 to 1e+06`},

		{"qat: {method: ''}", `qat.method is empty`},
		{"qat: {weight_bits: 9}", `qat.weight_bits is 9, must be from 1 to 8, or 32 for float`},
		{"qat: {ranges: onlin, layers: [{match: fc1, ranges: none}]}",
			`qat.ranges is "onlin", did you mean "online"? (offline or online); qat.layers[0].ranges is "none", must be offline or online`},
		{"qat: {activation_bits: -1}", `qat.activation_bits is -1, must be from 1 to 8, or 32 for float`},
		{"qat: {threshold: 1}", `qat.threshold is 1, must be at least 0 and below 1`},
		{"qat: {steps: [0.5, 0.5, 1]}", `qat.steps are [0.5 0.5 1], must be rising fractions of which the last is 1`},
		{"qat: {steps: []}", `qat.steps are [], must be rising fractions of which the last is 1`},
		{"qat: {steps: [0.5, 0.9]}", `qat.steps are [0.5 0.9], must be rising fractions of which the last is 1`},
		{"loss: hinge", `loss is "hinge", must be cross_entropy or squared_hinge`},
		{"{loss: squared_hinge, teacher: {checkpoint: x}}", `teacher.checkpoint: a teacher needs the loss cross_entropy, not squared_hinge`},
		{"qat: {gradient_bits: -1}", `qat.gradient_bits is -1, must be from 1 to 8, or 32 for float`},
		{"qat: {first_last: 4}", `qat.first_last is "4", must be 8, same or float`},
		{"qat: {granularity: per_chanel}", `qat.granularity is "per_chanel", did you mean "per_channel"? (per_channel or per_tensor)`},
		{"qat: {observer: histogram}", `qat.observer is "histogram", must be minmax or moving_average`},
		{"qat: {observer_freeze: 2}", `qat.observer_freeze is 2, must be from 0 to 1`},
		{"qat: {batchnorm_freeze: -2}", `qat.batchnorm_freeze is -2, must be from 0 to 1048576`},
		{"qat: {scales: pow}", `qat.scales is "pow", did you mean "pow2"? (float or pow2)`},
		{"qat: {layers: [{weight_bits: 8}]}", `qat.layers[0].match is "", must be a pattern of layer names as in "conv1" or "fc*"`},
		{"qat: {layers: [{match: '[', weight_bits: 12}]}",
			`qat.layers[0].match is "[", must be a pattern of layer names as in "conv1" or "fc*"; qat.layers[0].weight_bits is 12, must be from 1 to 8, or 32 for float`},
		{"qat: {stages: [{weight_bits: 9}]}", `qat.stages[0].epochs is 0, must be from 1 to 1048576; qat.stages[0].weight_bits is 9, must be from 1 to 8, or 32 for float`},
		{"qat: {stages: [{epochs: 1, match: '[', activation_bits: 9}]}",
			`qat.stages[0].match is "[", must be a pattern of layer names as in "conv1" or "fc*"; qat.stages[0].activation_bits is 9, must be from 1 to 8, or 32 for float`},
		{"qat: {epochs: 4, stages: [{epochs: 2}, {epochs: 2}]}", `qat.stages have 4 epochs, must be fewer than the 4 of qat.epochs`},

		{"teacher: {temperature: 0}", `teacher.temperature is 0, must be above 0 and at most 1000`},
		{"teacher: {weight: 1.5}", `teacher.weight is 1.5, must be from 0 to 1`},
		{"verify: {images: -1}", `verify.images is -1, must be from 0 to 2147483647`},
	}
	for _, test := range tests {
		t.Run(test.yaml, func(t *testing.T) {
			r, err := recipe.Parse([]byte(test.yaml), "r.yaml")
			if err != nil {
				t.Fatal(err)
			}
			if err := r.Validate(); err == nil || err.Error() != "recipe: "+test.want {
				t.Errorf("got  %v\nwant recipe: %s", err, test.want)
			}
		})
	}
}

// A phase that does not take place need not make sense.
func TestValidateSkipsAnEmptyPhase(t *testing.T) {
	r, err := recipe.Parse([]byte("float: {epochs: 0, lr: 0}"), "r.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Validate(); err != nil {
		t.Error(err)
	}
}

// Whatever is read is written so that it reads the same, and can be checked.
func FuzzParse(f *testing.F) {
	f.Add([]byte(full))
	f.Add(recipe.Default().YAML())
	for _, seed := range []string{"model: a", "model: {name: '', layers: []}", "qat: {layers: [{match: x}]}", "float: &a {lr: 1}\nqat: {<<: *a}", "out: !!binary aGk="} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := recipe.Parse(data, "fuzz.yaml")
		if err != nil {
			return
		}
		again, err := recipe.Parse(r.YAML(), "again.yaml")
		if err != nil {
			t.Fatalf("%v in:\n%s", err, r.YAML())
		}
		if !reflect.DeepEqual(again, r) {
			t.Fatalf("read %+v, written and read %+v", r, again)
		}
		_ = r.Validate()
	})
}
