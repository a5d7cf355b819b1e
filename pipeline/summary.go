// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"github.com/goqat/goqat/export"
	"github.com/goqat/goqat/train"
)

// A Summary is the outcome of a training, as summary.json keeps it. Accuracies
// are fractions; those of the test images were read once, at the end.
type Summary struct {
	Model            string  `json:"model"`
	Width            float64 `json:"width"` // of a named network, as in the recipe
	Parameters       int     `json:"parameters"`
	MACs             int     `json:"macs"` // of one image
	Data             string  `json:"data"`
	Method           string  `json:"method"`
	WeightBits       int     `json:"weight_bits"`
	ActivationBits   int     `json:"activation_bits"`
	FirstLast        string  `json:"first_last"`
	Seed             int     `json:"seed"`
	TrainImages      int     `json:"train_images"`
	ValidationImages int     `json:"validation_images"`
	TestImages       int     `json:"test_images"`

	Accuracy Accuracies `json:"accuracy"`
	// PerClass and Confusion are of the test images and of the last network made:
	// the integer model, else the fake-quantized network, else the float one. Rows
	// of Confusion are true classes, columns those found; it is nil for more than
	// 100 classes.
	PerClass  []train.ClassOutcome `json:"per_class"`
	Confusion [][]int              `json:"confusion"`

	Verify               *export.Verification `json:"verify"` // nil without a model
	SizeBytes            Sizes                `json:"size_bytes"`
	Seconds              Seconds              `json:"seconds"`
	TrainImagesPerSecond PerPhase             `json:"train_images_per_second"`
	// RunImagesPerSecond is the rate of the integer runtime on the test images,
	// in batches of the training's size, 0 without a model.
	RunImagesPerSecond float64 `json:"run_images_per_second"`

	// Folder is the run folder.
	Folder string `json:"-"`
}

// Accuracies are of the float network, the fake-quantized one and the integer
// model on the test images, and of the fake-quantized one on the validation
// images. What was not made is nil.
type Accuracies struct {
	Float      *float64 `json:"float"`
	Fakequant  *float64 `json:"fakequant"`
	Integer    *float64 `json:"integer"`
	Validation float64  `json:"validation"`
	// StandardError and Balanced, the mean recall of the classes, are of the last
	// network made.
	StandardError float64 `json:"standard_error"`
	Balanced      float64 `json:"balanced"`
}

// Sizes are in bytes: of the parameters as float32, and of the model's file, 0
// without one.
type Sizes struct {
	Float   int   `json:"float"`
	Integer int64 `json:"integer"`
}

// Seconds are the times of the phases; training includes validation. Those of a
// resumed run are of all its processes, up to the checkpoint each left.
type Seconds struct {
	Float  float64 `json:"float"`
	QAT    float64 `json:"qat"`
	Export float64 `json:"export"` // with evaluation and verification
	Total  float64 `json:"total"`
}

// PerPhase is a rate in each of the two phases, 0 in one that was left out.
type PerPhase struct {
	Float float64 `json:"float"`
	QAT   float64 `json:"qat"`
}
