// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"fmt"
	"slices"
	"strings"

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/recipe"
)

// Data opens the recipe's data set: images of its size, and no more of them
// than its limits.
func Data(r *recipe.Recipe) (*datasets.Dataset, error) {
	d, err := datasets.Open(r.Data.Name, datasets.Options{
		Dir: r.Data.Dir, Seed: uint64(r.Seed), Height: r.Data.Height, Width: r.Data.Width, Channels: r.Data.Channels,
	})
	if err != nil {
		return nil, err
	}
	if n := r.Data.TrainLimit; n > 0 {
		d.Train = d.Train.Head(n)
	}
	if n := r.Data.TestLimit; n > 0 {
		d.Test = d.Test.Head(n)
	}
	if d.Train.Len() == 0 || d.Test.Len() == 0 {
		return nil, fmt.Errorf("pipeline: data set %s has %d training and %d test images; both are needed", d.Name, d.Train.Len(), d.Test.Len())
	}
	return d, nil
}

// split is the data of a training: a tenth of the training images is held out
// for every choice that is made on the way.
type split struct {
	*datasets.Dataset
	train, validation datasets.Split
	seed              uint64
}

// String says what the data is, as in "photos: 28x28x3, 2 classes (cat, dog), 90
// train, 10 validation, 20 test (chosen by seed 1)".
func (s split) String() string {
	classes := s.Classes
	const shown = 8
	if len(classes) > shown {
		classes = append(slices.Clone(classes[:shown]), "…")
	}
	chosen := ""
	if s.Divided {
		chosen = fmt.Sprintf(" (chosen by seed %d)", s.seed)
	}
	return fmt.Sprintf("%s: %v, %d classes (%s), %d train, %d validation, %d test%s", s.Name, s.Shape, len(s.Classes),
		strings.Join(classes, ", "), s.train.Len(), s.validation.Len(), s.Test.Len(), chosen)
}

func splitData(d *datasets.Dataset, seed uint64) (split, error) {
	s := split{Dataset: d, seed: seed}
	s.train, s.validation = d.Train.Holdout(seed)
	if s.validation.Len() == 0 {
		return s, fmt.Errorf("pipeline: data set %s has too few training images to hold some out for validation: it needs two of a class", d.Name)
	}
	return s, nil
}

// input describes the images for a network: normalized by the mean and deviation
// of the training images.
func (s split) input() layers.Input {
	return layers.Input{
		Height: s.Height, Width: s.Width, Channels: s.Channels,
		Params: layers.Normalized(datasets.MeanDeviation(s.train)),
	}
}
