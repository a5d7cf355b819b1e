// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"slices"

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/recipe"
)

// Augmentation returns what a recipe does to training images of a network's input.
func Augmentation(a recipe.Augment, in layers.Input) datasets.Augmentation {
	var fill []uint8
	for _, p := range in.Channelwise() {
		fill = append(fill, uint8(p.ZeroPoint))
	}
	return datasets.Augmentation{
		Crop: a.Crop.Of(in.Height, in.Width), Flip: a.Flip, Rotate: a.Rotate, Scale: a.Scale,
		Brightness: a.Brightness, Contrast: a.Contrast, Noise: a.Noise, Cutout: a.Cutout, Mixup: a.Mixup, Fill: fill,
	}
}

// unbalancedFrom is by how much the largest class must exceed the smallest for a set to
// be unbalanced.
const unbalancedFrom = 2

// unbalanced says whether one class of the training images has more than twice as many
// as another.
func (s split) unbalanced() bool {
	counts := s.train.Drawn(len(s.Classes), 0)
	return slices.Max(counts) > unbalancedFrom*slices.Min(counts)
}

// weighClasses sets the weights of the classes and by which measure a checkpoint is best.
func (t *run) weighClasses() (err error) {
	drawn := t.data.train.Drawn(len(t.data.Classes), t.r.Data.Balance)
	if t.weights, err = t.r.ClassWeights.Of(t.data.Classes, drawn); err != nil {
		return err
	}
	t.byBalance = t.r.Best == "balanced" || t.r.Best == "auto" && t.data.unbalanced()
	return nil
}
