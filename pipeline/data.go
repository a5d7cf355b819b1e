// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/images"
	"github.com/goqat/goqat/internal/plural"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/recipe"
	"github.com/goqat/goqat/signals"
	"github.com/goqat/goqat/train"
)

// Reading says how a data set is read, and to whom it is told.
type Reading struct {
	SkipBroken bool // leave out files that cannot be read, also where the recipe does not say so
	Undivided  bool // leave a folder without a test part undivided, see datasets.Options

	// Samples are the codes of signals, those of a checkpoint or a model; nil finds them.
	Samples signals.Encoding

	Memory      int64                         // see datasets.Options
	Choose      func(*datasets.Dataset) error // see datasets.Options
	Keep        func(i int) bool              // see datasets.Options
	LongestSide int                           // likewise

	// On, if not nil, is told what is left out and how many images are read.
	On func(Event)
}

// Data opens the recipe's data set: images of its size, and no more of them
// than its limits. It is an error where datasets.Open fails, if the set has images and the network is for signals, or if a part
// has no images.
func Data(ctx context.Context, r *recipe.Recipe, reading Reading) (*datasets.Dataset, error) {
	d, err := reading.open(ctx, r)
	if err != nil {
		return nil, err
	}
	if reading.Samples != nil && d.Samples == nil {
		return nil, fmt.Errorf("pipeline: data set %s has images, the network is for signals; name signals", d.Name)
	}
	if n := r.Data.TrainLimit; n > 0 {
		d.Train = d.Train.Head(n)
	}
	if n := r.Data.TestLimit; n > 0 {
		d.Test = d.Test.Head(n)
	}
	if d.Train.Len() == 0 && !d.Undivided && reading.Choose == nil || d.Test.Len() == 0 && reading.Keep == nil {
		return nil, fmt.Errorf("pipeline: data set %s has %d training and %d test images; both are needed", d.Name, d.Train.Len(), d.Test.Len())
	}
	return d, nil
}

func (o Reading) open(ctx context.Context, r *recipe.Recipe) (*datasets.Dataset, error) {
	on := teller(o.On)
	d, err := datasets.OpenContext(ctx, r.Data.Name, datasets.Options{
		Dir: r.Data.Dir, Seed: uint64(r.Seed), Height: r.Data.Height, Width: r.Data.Width, Channels: r.Data.Channels,
		Undivided: o.Undivided, SkipBroken: o.SkipBroken || r.Data.SkipBroken, Memory: o.Memory, Choose: o.Choose, Keep: o.Keep, LongestSide: o.LongestSide, Resize: images.Rule(r.Data.Resize),
		Percentile: r.Data.Percentile, Samples: o.Samples,
		Note:     func(sentence string) { on.note("note: " + sentence) },
		Progress: func(done, total int) { on.tell(Progress{"images", done, total}) },
	})
	return d, meant(r.Data.Name, err)
}

// meant asks whether data that is not there was meant to be other data: that of another name, or a neighbour in its folder.
func meant(name string, err error) error {
	if _, missing := os.Lstat(name); err == nil || datasets.Named(name) || !errors.Is(missing, fs.ErrNotExist) {
		return err
	}
	dir, base := filepath.Split(filepath.Clean(name))
	var known []string
	if dir == "" {
		for _, d := range datasets.List("") {
			known = append(known, d.Name)
		}
	}
	entries, _ := os.ReadDir(filepath.Clean(dir)) // none where there is no folder either
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") {
			known = append(known, e.Name())
		}
	}
	if near := recipe.Nearest(base, known); near != "" {
		return fmt.Errorf("%w; did you mean %q?", err, dir+near)
	}
	return err
}

// split is the data of a training. The validation images, by default a tenth of the
// training images, held out, are for every choice that is made on the way.
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
	return fmt.Sprintf("%s: %v, %s (%s), %d train, %d validation, %d test%s", s.Name, s.Shape, plural.Of(len(s.Classes), "class"),
		strings.Join(classes, ", "), s.train.Len(), s.validation.Len(), s.Test.Len(), chosen)
}

func splitData(d *datasets.Dataset, seed uint64) (split, error) {
	s := split{Dataset: d, train: d.Train, validation: d.Validation, seed: seed}
	if s.validation.Len() == 0 {
		s.train, s.validation = d.Train.Holdout(seed)
	}
	if s.validation.Len() == 0 {
		return s, fmt.Errorf("pipeline: data set %s has too few training images to hold some out for validation: it needs two of a class", d.Name)
	}
	return s, nil
}

// inputOf returns the quantization of images of the checkpoint that a training starts
// from, whose weights expect it. A recipe that says another is refused.
func (s split) inputOf(c *train.Checkpoint, d *recipe.Data) (layers.Input, error) {
	for _, l := range []*recipe.Levels{&d.Mean, &d.Deviation} {
		if l.Auto {
			*l = recipe.Levels{}
		}
	}
	if d.Mean.Values != nil || d.Deviation.Values != nil {
		said, err := s.input(d)
		if err == nil && !slices.Equal(said.Channelwise(), c.Info.Input.Channelwise()) {
			err = fmt.Errorf("pipeline: data.mean, data.deviation: the checkpoint to start from was trained with others; leave them out")
		}
		if err != nil {
			return said, err
		}
	}
	return c.Info.Input, nil
}

// samples returns the codes of signals of the checkpoint that a training starts from or
// goes on from, nil if there is none: its weights expect them. What is wrong with the
// file is said where the rest of it is read.
func (t *run) samples(o Options) signals.Encoding {
	var c *train.Checkpoint
	var err error
	switch {
	case o.Resume:
		c, err = sharedCheckpoint(t.group, filepath.Join(t.r.Out, lastFile))
	case t.r.Init != "":
		c, err = train.ReadCheckpoint(t.r.Init)
	}
	if c == nil || err != nil {
		return nil
	}
	return c.Info.Input.Samples
}

// input describes the images for a network: normalized by the recipe's mean and
// deviation, or by those of the training images. What the recipe leaves to be found for
// each channel it says from then on.
func (s split) input(d *recipe.Data) (layers.Input, error) {
	in := layers.Input{Height: s.Height, Width: s.Width, Channels: s.Channels, Samples: s.Samples}
	m, v, err := datasets.MeanDeviation(s.train)
	if err != nil {
		return in, err
	}
	mean, deviation := []float64{m}, []float64{v}
	if d.Mean.Auto || d.Deviation.Auto {
		m, v, err := datasets.MeansDeviations(s.train, s.Channels)
		if err != nil {
			return in, err
		}
		if d.Mean.Auto {
			d.Mean = recipe.Levels{Values: m}
		}
		if d.Deviation.Auto {
			d.Deviation = recipe.Levels{Values: v}
		}
	}
	if d.Mean.Values != nil {
		mean = d.Mean.Values
	}
	if d.Deviation.Values != nil {
		deviation = d.Deviation.Values
	}
	if err := in.Normalize(mean, deviation); err != nil {
		return in, fmt.Errorf("pipeline: data.mean, data.deviation: %w", err)
	}
	return in, nil
}
