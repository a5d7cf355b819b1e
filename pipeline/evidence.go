// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/train"
)

// Evidence is what a training leaves beside its record, to look at: the network of the
// best checkpoint, and the test images with what the last network made of them.
type Evidence struct {
	Network   *layers.Network // nil for a model alone
	Quantized bool            // the network is of the quantized phase
	Test      datasets.Split  // empty where the images are not at hand, as is Result
	Result    train.Result
}
