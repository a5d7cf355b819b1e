// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"cmp"
	"context"
	"fmt"

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/images"
	"github.com/goqat/goqat/infer"
	"github.com/goqat/goqat/internal/plural"
	"github.com/goqat/goqat/internal/share"
	"github.com/goqat/goqat/qmodel"
	"github.com/goqat/goqat/recipe"
	"github.com/goqat/goqat/signals"
)

// TestImages says which images a network is evaluated with: the test images of a data
// set, in the size of the network's images and with the labels of its classes.
type TestImages struct {
	Data    string     // a name or a path, "" for that of the training
	Dir     string     // where to look for a named one first
	Seed    *int       // of the division of an undivided folder, nil for that of the training
	Most    int        // take the first so many, 0 for all
	Part    share.Part // of these
	Reading Reading
}

// A Target is what images must fit.
type Target struct {
	Height, Width, Channels int
	Classes                 []string
	Trained                 qmodel.Data      // the data it was trained with, if it is known
	Recipe                  *recipe.Recipe   // of its training, nil if it is not known
	Samples                 signals.Encoding // the codes of signals, nil for images
}

// TargetOf returns the target of a model.
func TargetOf(m *infer.Model) Target {
	in := m.Input()
	samples, _ := signals.Of(in)
	return Target{in.Height, in.Width, in.Channels, m.Classes(), m.Data(), nil, samples}
}

// TargetOfFile returns the target of a model as data.
func TargetOfFile(m *qmodel.Model) Target {
	samples, _ := signals.Of(m.Input)
	return Target{m.Input.Height, m.Input.Width, m.Input.Channels, m.Classes, m.Data, nil, samples}
}

// Target returns the target of a checkpoint's network.
func (r *Restored) Target() Target {
	in := r.Network.Input
	return Target{in.Height, in.Width, in.Channels, r.Network.Classes, r.About().Data, r.Recipe, in.Samples}
}

// Read reads the test images, and no others where it can. It is an error where datasets.Open fails, if the set has classes that
// the target has not, or if no image is of the part.
func (w TestImages) Read(ctx context.Context, t Target) (datasets.Split, error) {
	images, _, err := w.ReadPart(ctx, t)
	return images, err
}

// ReadPart is Read, and returns how many images all parts have. Its errors are those of Read.
func (w TestImages) ReadPart(ctx context.Context, t Target) (images datasets.Split, total int, err error) {
	most := w.Most
	if t.Recipe != nil && t.Recipe.Data.TestLimit > 0 && w.Data == "" && (most == 0 || t.Recipe.Data.TestLimit < most) {
		most = t.Recipe.Data.TestLimit
	}
	wanted := func(i int) bool { return (most == 0 || i < most) && w.Part.Has(i) }
	asked := 0
	w.Reading.Keep = func(i int) bool {
		asked++
		return wanted(i)
	}
	set, err := w.open(ctx, t, true)
	if err != nil {
		return datasets.Split{}, 0, err
	}
	if err := set.Relabel(t.Classes); err != nil {
		return datasets.Split{}, 0, err
	}
	total = asked
	if asked == 0 { // all were read
		var positions []int
		for i := range set.Test.Len() {
			if wanted(i) {
				positions = append(positions, i)
			}
		}
		if total = set.Test.Len(); len(positions) < total {
			set.Test = set.Test.Subset(positions)
		}
	}
	if most > 0 {
		total = min(total, most)
	}
	if set.Test.Len() == 0 {
		return set.Test, total, fmt.Errorf("pipeline: part %s has none of %s; there are more parts than images", w.Part, plural.Of(total, "test image"))
	}
	return set.Test, total, nil
}

// Training reads the training images of the same data set, or those to test with where it
// has no others. Their labels are those of the data set. It is an error where datasets.Open fails.
func (w TestImages) Training(ctx context.Context, t Target) (datasets.Split, error) {
	set, err := w.open(ctx, t, false)
	switch {
	case err != nil:
		return datasets.Split{}, err
	case set.Train.Len() == 0:
		return set.Test, nil
	}
	return set.Train, nil
}

// open reads the data set, with labels of its own; of its images perhaps those to test with alone.
func (w TestImages) open(ctx context.Context, t Target, alone bool) (*datasets.Dataset, error) {
	r := *recipe.Default()
	if t.Recipe != nil {
		r = *t.Recipe
	}
	if w.Data != "" {
		r.Data = recipe.Data{Name: w.Data}
	}
	if w.Dir != "" {
		r.Data.Dir = w.Dir
	}
	if w.Seed != nil {
		r.Seed = *w.Seed
	}
	r.Data.Height, r.Data.Width, r.Data.Channels = t.Height, t.Width, t.Channels
	r.Data.Resize = cmp.Or(t.Trained.Resize, string(images.Stretch))
	limit := r.Data.TestLimit
	r.Data.TestLimit = 0 // of the images held out, not of all
	w.Reading.Undivided = true
	w.Reading.Samples = t.Samples
	chosen := false
	if alone {
		w.Reading.Choose = func(set *datasets.Dataset) error {
			chosen = true
			return w.divide(set, t, r.Seed)
		}
	}
	set, err := Data(ctx, &r, w.Reading)
	if err != nil {
		return nil, err
	}
	if set.Undivided && !chosen {
		if err := w.divide(set, t, r.Seed); err != nil {
			return nil, err
		}
	}
	if limit > 0 {
		set.Test = set.Test.Head(limit)
	}
	return set, nil
}

// divide takes the images that training held out of an undivided folder for the
// test, if it is the folder of the training or the seed is given; all images of
// another folder stay test images.
func (w TestImages) divide(set *datasets.Dataset, t Target, seed int) error {
	note := func(sentence string) { teller(w.Reading.On).note("note: " + sentence) }
	trained := t.Trained.Digest != "" && t.Trained.Digest == set.Digest
	switch {
	case trained && w.Seed == nil:
		seed = t.Trained.Seed
	case w.Seed == nil && w.Data != "" && t.Trained.Digest == "":
		note("all images are used, since the model does not say which it was trained with; its seed takes those that a training held out")
		return nil
	case w.Seed == nil && w.Data != "":
		note(fmt.Sprintf("all of %s taken, since the model was not trained with these files; if it was and they changed since, seed %d takes those held out", plural.Of(set.Test.Len(), "image"), t.Trained.Seed))
		return nil
	}
	all := set.Test.Len()
	if err := set.Divide(uint64(seed), note); err != nil {
		return err
	}
	of := "the folder"
	if trained {
		of = "the folder of the training"
	}
	note(fmt.Sprintf("%d of %s of %s taken, those held out by seed %d", set.Test.Len(), plural.Of(all, "image"), of, seed))
	return nil
}
