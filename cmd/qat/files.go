// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/infer"
	"github.com/goqat/goqat/internal/safetensors"
	"github.com/goqat/goqat/pipeline"
	"github.com/goqat/goqat/qmodel"
	"github.com/goqat/goqat/recipe"
)

// evaluationBatch is how many images are evaluated together; no result depends
// on it.
const evaluationBatch = 64

// threadsOf resolves the value of --threads.
func threadsOf(threads int) int {
	if threads > 0 {
		return threads
	}
	return runtime.GOMAXPROCS(0)
}

func addThreads(c *cobra.Command, threads *int) {
	c.Flags().IntVar(threads, "threads", 0, "threads, 0 for all processors; results do not depend on it")
	c.PreRunE = func(c *cobra.Command, _ []string) error {
		if *threads < 0 || *threads > infer.MaxThreads {
			return usagef(c, "--threads %d: want 1 to %d, or 0 for all processors", *threads, infer.MaxThreads)
		}
		return nil
	}
}

// isModel says whether a file is a .qmodel; otherwise it is some other
// safetensors file, such as a checkpoint.
func isModel(path string) (bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	stat, err := f.Stat()
	if err != nil {
		return false, err
	}
	if stat.IsDir() {
		return false, fmt.Errorf("%s is a folder; name a file in it, such as model.qmodel", path)
	}
	content, err := safetensors.Read(f, stat.Size())
	if err != nil {
		return false, fmt.Errorf("%s cannot be read as a checkpoint or .qmodel: %w; make or copy it again", path, err)
	}
	format, _ := content.Value("format")
	return format == "qmodel", nil
}

// openModel opens a .qmodel and says what to do if it cannot be used.
func openModel(path string) (*infer.Model, error) {
	m, err := infer.Open(path)
	if err == nil || errors.Is(err, qmodel.ErrNewer) {
		return m, err
	}
	return nil, explain(path, err)
}

// explain says of a file that cannot be read as a .qmodel what it is and what to do.
func explain(path string, err error) error {
	switch model, other := isModel(path); {
	case other != nil: // says more of a file of any kind
		return other
	case !model:
		return fmt.Errorf("%s is not a .qmodel; if it is a checkpoint, qat export makes one of it", path)
	}
	return fmt.Errorf("%w; export or copy it again", err)
}

// atOnce returns what f does, or the error of the context as soon as that is done: a model from elsewhere may compute for
// a minute, and an image from a pipe never come. f goes on by itself, so it is to change nothing that must be whole.
func atOnce[T any](ctx context.Context, f func() (T, error)) (T, error) {
	type outcome struct {
		result T
		err    error
	}
	done := make(chan outcome, 1)
	go func() {
		result, err := f()
		done <- outcome{result, err}
	}()
	select {
	case o := <-done:
		return o.result, o.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

// checkOutputs refuses, before anything is computed, to write over a file that is
// read, to write one file twice, or to write into a folder that is not there.
func checkOutputs(c *cobra.Command, input string, outputs ...string) error {
	read, _ := os.Stat(input)
	seen := map[string]bool{}
	for _, path := range outputs {
		if path == "" {
			continue
		}
		if info, err := os.Stat(path); err == nil && read != nil && os.SameFile(info, read) {
			return usagef(c, "%s is read and would be written over; name another file", path)
		}
		if seen[filepath.Clean(path)] {
			return usagef(c, "%s would be written twice; name two files", path)
		}
		seen[filepath.Clean(path)] = true
		if info, err := os.Stat(filepath.Dir(path)); err != nil || !info.IsDir() {
			return usagef(c, "%s: there is no folder %s; make it first", path, filepath.Dir(path))
		}
	}
	return nil
}

// dataFlags say which test images are used.
type dataFlags struct {
	name, dir  string
	seed       int
	skipBroken bool
}

func addDataFlags(c *cobra.Command, d *dataFlags, fallback string) {
	c.Flags().StringVar(&d.name, "data", "", "data set of qat data list, or path of a folder or archive of images"+fallback)
	c.Flags().StringVar(&d.dir, "data-dir", "", "folder to look for a named data set first")
	c.Flags().IntVar(&d.seed, "seed", 0, "of the choice of test images where a folder has no test part; default: that of the training for its folder, all images of another")
	addSkipBroken(c, &d.skipBroken)
}

func addSkipBroken(c *cobra.Command, skip *bool) {
	c.Flags().BoolVar(skip, "skip-broken", false, "leave out image files that cannot be read, and count them")
}

// target is what images must fit: the size and the classes of a network.
type target struct {
	height, width, channels int
	classes                 []string
	trained                 qmodel.Data // the data it was trained with, if it is known
}

// open reads the test images of the flags, or else of the recipe of the training
// (nil: unknown), in the size of the target's images and with the target's labels.
func (d dataFlags) open(c *cobra.Command, training *recipe.Recipe, t target) (datasets.Split, error) {
	set, err := d.openSet(c, training, t)
	if err != nil {
		return datasets.Split{}, err
	}
	if err := set.Relabel(t.classes); err != nil {
		return datasets.Split{}, err
	}
	return set.Test, nil
}

// openSet reads the images that open takes the test images of.
func (d dataFlags) openSet(c *cobra.Command, training *recipe.Recipe, t target) (*datasets.Dataset, error) {
	data := *cmp.Or(training, recipe.Default())
	if d.name != "" {
		data.Data = recipe.Data{Name: d.name}
	}
	if d.dir != "" {
		data.Data.Dir = d.dir
	}
	if c.Flags().Changed("seed") {
		data.Seed = d.seed
	}
	data.Data.Height, data.Data.Width, data.Data.Channels = t.height, t.width, t.channels
	limit := data.Data.TestLimit
	data.Data.TestLimit = 0 // of the images held out, not of all
	reading, shown := d.reading(c)
	reading.Undivided = true
	set, err := pipeline.Data(c.Context(), &data, reading)
	shown()
	if err != nil {
		return nil, err
	}
	if set.Undivided {
		note := func(sentence string) { fmt.Fprintf(c.ErrOrStderr(), "note: %s\n", sentence) }
		if err := t.divide(set, data.Seed, c.Flags().Changed("seed"), d.name == "", note); err != nil {
			return nil, err
		}
	}
	if limit > 0 {
		set.Test = set.Test.Head(limit)
	}
	return set, nil
}

// reading says how data is read, which standard error shows; shown is to be called
// when it has been.
func (d dataFlags) reading(c *cobra.Command) (r pipeline.Reading, shown func()) {
	s := newScreen(c)
	return pipeline.Reading{SkipBroken: d.skipBroken, On: s.show}, s.stop
}

// divide takes the images that training held out of an undivided folder for the
// test, if it is the folder of the training or the seed is given; all images of
// another folder stay test images.
func (t target) divide(set *datasets.Dataset, seed int, seedGiven, own bool, note func(string)) error {
	trained := t.trained.Digest != "" && t.trained.Digest == set.Digest
	switch {
	case trained && !seedGiven:
		seed = t.trained.Seed
	case !seedGiven && !own && t.trained.Digest == "":
		note("all images are used, since the model does not say which it was trained with; --seed takes those that a training held out")
		return nil
	case !seedGiven && !own:
		note(fmt.Sprintf("all %d images are used, since the model was not trained with these files; if it was and they changed since, --seed %d takes those held out", set.Test.Len(), t.trained.Seed))
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
	note(fmt.Sprintf("%d of the %d images of %s are used, those held out by seed %d", set.Test.Len(), all, of, seed))
	return nil
}
