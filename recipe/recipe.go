// SPDX-License-Identifier: Apache-2.0

// Package recipe describes a training as data: one [Recipe] holds everything
// `qat train` can do, and written out it repeats the run.
//
// A recipe file is YAML and says only what differs from [Default]:
//
//	model: {name: lenet, width: 0.5}
//	data: {name: fashion-mnist}
//	qat: {method: lsq, weight_bits: 2, activation_bits: 2}
//
// Reading is strict: a key that does not exist is an error that names the file,
// the line and the nearest key. Single values are changed by [Recipe.Set], all
// are checked by [Recipe.Validate]. Names of networks, data sets and methods
// are left to the packages that know them.
package recipe

import (
	"bytes"
	"fmt"

	"github.com/goqat/goqat/qat/settings"
	"go.yaml.in/yaml/v3"
)

// A Recipe is a whole training: a float phase, then a quantized phase, export
// and verification.
type Recipe struct {
	Version string `yaml:"version,omitempty"` // of the goqat that wrote a resolved recipe; ignored when read

	// the network: a named one, as in lenet or {name: lenet, width: 0.25}, or a list of layers, as in [{kind: conv,
	// channels: 16, kernel: 3, pad: 1, norm: true, activation: relu}, {kind: flatten}, {kind: linear}]
	Model   Model  `yaml:"model"`
	Data    Data   `yaml:"data"`    // the images or signals, and what is done to them
	Batch   int    `yaml:"batch"`   // images a step, at least 1
	Shards  int    `yaml:"shards"`  // parts of a batch, of at least 8 images each, with batch-norm statistics of their own; at most so many processes share a training, and the result does not depend on how many do
	Seed    int    `yaml:"seed"`    // of initial weights, order, augmentation and split; at least 0
	Threads int    `yaml:"threads"` // 0 means all processors; results do not depend on it
	Init    string `yaml:"init"`    // checkpoint to start the quantized phase from, instead of a float phase; with transfer.head the float phase, too; a path from the recipe's folder on or, if nothing is there, from the working folder on

	Transfer Transfer `yaml:"transfer"` // of what was trained on other images

	Float Phase  `yaml:"float"` // training without quantization
	QAT   QAT    `yaml:"qat"`   // training with quantization
	Loss  string `yaml:"loss"`  // cross_entropy, squared_hinge

	Smoothing    float64      `yaml:"smoothing"`     // label smoothing: this share of the target is spread over all classes, in [0, 1)
	ClassWeights ClassWeights `yaml:"class_weights"` // in the loss: none, auto (the rarer the heavier), or by name, {cat: 2, dog: 1}
	Best         string       `yaml:"best"`          // which checkpoint is best, by validation: accuracy, balanced (mean recall of the classes), or auto: balanced if a class has more than twice the images of another

	Teacher Teacher `yaml:"teacher"` // distillation in the quantized phase
	Verify  Verify  `yaml:"verify"`  // the training graph beside the integer runtime
	Out     string  `yaml:"out"`     // run folder; empty means one named after the recipe, under runs
}

// Data names the images and what is done to them.
type Data struct {
	Name       string  `yaml:"name"`                 // of a data set, or path of a folder or archive of images
	Dir        string  `yaml:"dir"`                  // where to look for a named data set first
	Height     int     `yaml:"height"`               // images are resized to it; 0 keeps the data's own
	Width      int     `yaml:"width"`                // as height
	Channels   int     `yaml:"channels"`             // 1 gray, 3 colour; 0 keeps the data's own
	Resize     string  `yaml:"resize"`               // of images of another aspect ratio: stretch, crop (the middle), pad (by black)
	Mean       Levels  `yaml:"mean,omitempty"`       // of pixels in [0, 1]: a number for all channels, a list of one for each, or auto; not said: one, found on the training images
	Deviation  Levels  `yaml:"deviation,omitempty"`  // as mean
	Percentile float64 `yaml:"percentile,omitempty"` // of signals: codes are spread over the middle samples, so many of each hundred; 0 means all
	Augment    Augment `yaml:"augment"`              // of training images
	Balance    float64 `yaml:"balance"`              // draw rare classes more often, in [0, 1]: 0 as they are, 1 all alike, 0.5 by the root of their images
	TrainLimit int     `yaml:"train_limit"`          // use this many training images; 0 means all
	TestLimit  int     `yaml:"test_limit"`           // use this many test images; 0 means all
	SkipBroken bool    `yaml:"skip_broken"`          // leave out files that cannot be read, instead of stopping at them
}

// Augment changes training images at random: the draws are numbered by seed, epoch and
// image, so that neither threads nor interruptions change them.
type Augment struct {
	Crop       Length  `yaml:"crop"`       // padding on every side before cropping back to size: pixels, or a share of the shorter side as in 4%
	Flip       bool    `yaml:"flip"`       // left to right, every second image
	Rotate     float64 `yaml:"rotate"`     // at most so many degrees to either side
	Scale      float64 `yaml:"scale"`      // larger or smaller by at most this share, as in 0.1
	Brightness float64 `yaml:"brightness"` // lighter or darker by at most this share of the whole range
	Contrast   float64 `yaml:"contrast"`   // more or less by at most this share
	Noise      float64 `yaml:"noise"`      // deviation of noise on every value, a share of the whole range
	Cutout     float64 `yaml:"cutout"`     // side of a square that is blanked, a share of the shorter side
	Mixup      float64 `yaml:"mixup"`      // images are mixed in pairs by shares of Beta(mixup, mixup), labels with them; 0 means none, at most 1
}

// Phase is one of the two trainings.
type Phase struct {
	Epochs     int       `yaml:"epochs"`                    // 0 leaves the phase out
	Optimizer  string    `yaml:"optimizer"`                 // sgd, adam, adamw
	LR         float64   `yaml:"lr"`                        // highest learning rate, above 0
	Momentum   float64   `yaml:"momentum"`                  // of sgd, in [0, 1)
	Nesterov   bool      `yaml:"nesterov"`                  // of sgd
	Schedule   string    `yaml:"schedule"`                  // constant, step, cosine
	Milestones []float64 `yaml:"milestones,omitempty,flow"` // of the schedule step: fractions of the phase at which the rate falls to a tenth; none are 0.5 and 0.75
	Warmup     float64   `yaml:"warmup"`                    // epochs of rising learning rate, may be a fraction
	Decay      float64   `yaml:"decay"`                     // weight decay; normalization and biases have none
	ClipNorm   float64   `yaml:"clip_norm"`                 // gradients are scaled to at most this norm; 0 means none
	Average    float64   `yaml:"average"`                   // moving average of the weights, by this factor a step, as in 0.999; it is what is validated and exported; 0 means none
	Patience   int       `yaml:"patience"`                  // stop after so many epochs without a better checkpoint; 0 means never
}

// QAT is the quantized phase.
type QAT struct {
	Phase `yaml:",inline"`

	Method              string  `yaml:"method"`               // as `qat methods` lists them
	Weights             string  `yaml:"weights"`              // method of the weights; empty means the same
	WeightBits          int     `yaml:"weight_bits"`          // 1 to 8; 0 means the method's own; 32 leaves weights float, for study only
	ActivationBits      int     `yaml:"activation_bits"`      // 1 to 8; 0 means the method's own; 32 leaves activations float, for study only
	GradientBits        int     `yaml:"gradient_bits"`        // of the inner layers' gradients, 1 to 8, rounded at random; 0 or 32 leaves them float
	FirstLast           string  `yaml:"first_last"`           // first and last layer: 8 bits, same as the others, or float (for study only)
	Residuals           string  `yaml:"residuals"`            // narrow: tensors that additions and averages read have the bits of the layers that read them; wide: 8, and these layers read codes of fewer bits made of them
	ClipDecay           float64 `yaml:"clip_decay"`           // decay of learned clips
	Granularity         string  `yaml:"granularity"`          // of weight scales: per_channel, per_tensor
	Ranges              string  `yaml:"ranges"`               // of activations: offline, followed in training, or online, taken from each image
	Observer            string  `yaml:"observer"`             // of activation ranges: minmax, moving_average
	ObserverFreeze      float64 `yaml:"observer_freeze"`      // observers stop after this fraction of the epochs after all stages, in [0, 1]
	BatchNormFreeze     int     `yaml:"batchnorm_freeze"`     // batch-norm statistics stay fixed for this many last epochs
	BatchNormReestimate int     `yaml:"batchnorm_reestimate"` // batch-norm statistics of what is validated and exported, once nothing else changes, and those that are frozen, are computed anew over this many training images; 0 keeps those followed in training
	EWGS                float64 `yaml:"ewgs"`                 // gradients that pass straight through a rounding grow by up to half this share where they lead to the next code, and shrink where they lead back, in [0, 2]; 0 leaves them
	Dampen              float64 `yaml:"dampen"`               // pulls weights of at most 4 bits to the middle of their codes: factor of that loss at the end of the phase, to which it rises by half a cosine, as in 0.1; 0 for none
	FreezeOscillating   float64 `yaml:"freeze_oscillating"`   // weights of at most 4 bits that turn back from code to code more often than in this share of the steps stay fixed, as in 0.01; ten times as often at the beginning of the phase; 0 for none
	Scales              string  `yaml:"scales"`               // float, or pow2: powers of two only
	Bias                string  `yaml:"bias"`                 // free, or accumulator: whole units of the accumulator, as other runtimes store them
	Packing             string  `yaml:"packing"`              // of the model's file: aligned, or dense: fewer bytes, of weights at 2 (ternary), 3, 5, 6 and 7 bits and of the graph at all, the same integers
	InputScaling        bool    `yaml:"input_scaling"`        // of xnor: scale by the input's magnitudes too (for study only)

	settings.All `yaml:",inline"` // of methods: threshold of ttq, steps of inq

	Layers []Rule  `yaml:"layers,omitempty"` // exceptions; the first rule that matches counts
	Stages []Stage `yaml:"stages,omitempty"` // epochs before all that holds, in order
}

// A Stage is the next epochs of the quantized phase, with fewer layers quantized
// than at its end, or to more bits.
type Stage struct {
	Epochs         int    `yaml:"epochs"`                    // at least 1
	Match          string `yaml:"match,omitempty"`           // pattern of path.Match: layers of other names stay float; empty means all layers
	WeightBits     int    `yaml:"weight_bits,omitempty"`     // at least so many, 32 for float; 0 keeps the bits
	ActivationBits int    `yaml:"activation_bits,omitempty"` // likewise, of the layers' inputs
}

// A Rule changes the quantization of the layers whose names match.
type Rule struct {
	Match          string `yaml:"match"`                     // pattern of path.Match, as in "block?.conv1" or "fc*"
	Method         string `yaml:"method,omitempty"`          // empty keeps the methods
	Weights        string `yaml:"weights,omitempty"`         // method of the weights; empty means the rule's method
	WeightBits     int    `yaml:"weight_bits,omitempty"`     // 0 keeps the bits
	ActivationBits int    `yaml:"activation_bits,omitempty"` // of the layer's input; 0 keeps the bits
	Ranges         string `yaml:"ranges,omitempty"`          // of the layer's input: offline or online; empty keeps them
}

// Transfer trains the network of init further on other images, in a float phase before
// the quantized one.
type Transfer struct {
	Head     string   `yaml:"head"`                  // none: init is quantized as it is; keep: the float phase starts from init; new: the same, but its last layer is made anew, for other classes
	Freeze   []string `yaml:"freeze,omitempty,flow"` // patterns of path.Match: layers that stay as they are in the float phase, statistics included, as in [conv*]
	BodyRate float64  `yaml:"body_rate"`             // factor on the learning rate of all layers but the last, in both phases
}

// Teacher is a float network whose answers the quantized one learns from
// (Hinton et al. 2015, "Distilling the knowledge in a neural network").
type Teacher struct {
	Checkpoint  string  `yaml:"checkpoint"`  // empty means no teacher; a path as that of init
	Temperature float64 `yaml:"temperature"` // softens the teacher's answers, above 0
	Weight      float64 `yaml:"weight"`      // share of the teacher in the loss, in [0, 1]
}

// Verify bounds the comparison of the training graph with the integer runtime.
type Verify struct {
	Images int `yaml:"images"` // test images compared; 0 means all
}

// YAML returns the whole recipe, which [Parse] reads back to an equal one.
func (r *Recipe) YAML() []byte {
	var buffer bytes.Buffer
	encoder := yaml.NewEncoder(&buffer)
	encoder.SetIndent(2)
	if err := encoder.Encode(r); err != nil {
		panic(fmt.Sprintf("recipe: plain data does not encode: %v", err))
	}
	return buffer.Bytes()
}
