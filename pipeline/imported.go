// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goqat/goqat/classify"
	"github.com/goqat/goqat/dist"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/import/onnx"
	"github.com/goqat/goqat/internal/memory"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/recipe"
	"github.com/goqat/goqat/train"
)

// An Import is a float network of another framework that is to become a run folder.
type Import struct {
	Path string // of an ONNX file
	Out  string // the run folder, new or empty
	Data string // the data set that the recipe names, "" for its default
	onnx.Options
	// Images are files, or folders of them, of images on which the file and the network
	// are compared; without any some are made.
	Images []string
	On     func(Event) // is told what is left out of the folders and how many images are compared, unless nil
}

// ClassNames reads the names of classes, one a line, from a file; none without a path. It is an error if the file cannot be
// read, names a class twice or names none.
func ClassNames(path string) ([]string, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("pipeline: the names of classes: %w", err)
	}
	var names []string
	for line := range strings.Lines(string(text)) {
		name := strings.TrimSpace(line)
		if slices.Contains(names, name) {
			return nil, fmt.Errorf("pipeline: %s names the class %q twice", path, name)
		}
		if name != "" {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("pipeline: %s names no class; write one on each line", path)
	}
	return names, nil
}

// Imported is what became of an Import.
type Imported struct {
	Model      *onnx.Model
	Recipe     *recipe.Recipe
	Parameters int
	MACs       int
	Difference onnx.Difference // of the network's logits from the file's
}

// maxWork is how many multiplications an image may take in the file's evaluation: minutes.
const maxWork = 1 << 37

// madeImages is how many images are made to compare on.
const madeImages = 4

// Run reads the file, builds the network, compares the two and writes the run folder. It is an error if the file cannot be
// read, has what goqat has not (*onnx.Unsupported), or does not fit the names of classes, the data or the images, and if the
// folder cannot be written.
func (i Import) Run(ctx context.Context, pool *graph.Pool) (*Imported, error) {
	if i.Memory == 0 {
		i.Memory = memory.Free() / 2
	}
	if i.Work == 0 {
		i.Work = maxWork
	}
	m, err := onnx.Open(i.Path, i.Options)
	if err != nil {
		return nil, err
	}
	r, err := i.recipe(m)
	if err != nil {
		return nil, err
	}
	p, err := policy(&r.QAT)
	if err != nil {
		return nil, err
	}
	n, err := m.Build(layers.Config{Name: r.Model.Name, Batch: 1, Policy: p, Seed: uint64(r.Seed), Pool: pool, Memory: memory.Free()})
	if err != nil {
		return nil, err
	}
	images, err := i.images(m.Input)
	if err != nil {
		return nil, err
	}
	o := &Imported{Model: m, Recipe: r, Parameters: n.Parameters(), MACs: n.MACs()}
	o.Difference, err = m.Compare(ctx, n, images, teller(i.On).counter("compare", len(images)/(m.Input.Height*m.Input.Width*m.Input.Channels)))
	if large := (*onnx.TooLarge)(nil); errors.As(err, &large) {
		m.Notes = append(m.Notes, large.Error()+", so that nothing was compared")
	} else if err != nil {
		return nil, err
	}
	return o, WriteFloat(i.Out, r, n)
}

// recipe returns the recipe of the network, quantized by the default's settings.
func (i Import) recipe(m *onnx.Model) (*recipe.Recipe, error) {
	list, err := List(m.Network)
	if err != nil {
		return nil, err
	}
	r := recipe.Default()
	r.Model = recipe.Model{Name: strings.TrimSuffix(filepath.Base(i.Path), filepath.Ext(i.Path)), Width: 1, Layers: list}
	if i.Data != "" {
		r.Data.Name = i.Data
	}
	r.Data.Height, r.Data.Width, r.Data.Channels = m.Input.Height, m.Input.Width, m.Input.Channels
	if err := r.Validate(); err != nil {
		return nil, fmt.Errorf("pipeline: the recipe of %s: %w", i.Path, err)
	}
	return r, resolve(&r.QAT)
}

// images returns those to compare on.
func (i Import) images(in layers.Input) ([]uint8, error) {
	if len(i.Images) > 0 {
		paths, err := classify.Images(i.Images, func(sentence string) { teller(i.On).note("note: " + sentence) })
		if err != nil {
			return nil, err
		}
		return classify.Pixels(paths, in.Height, in.Width, in.Channels)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	made := make([]uint8, madeImages*in.Height*in.Width*in.Channels)
	for at := range made {
		made[at] = uint8(rng.Uint32())
	}
	return made, nil
}

// WriteFloat writes a float network that was not trained here as a run folder, which
// must be new or empty: its checkpoint, which every verb takes like that of a float
// phase, and a recipe whose quantized phase starts from it, wherever the folder is moved.
// The recipe must be the one that the network is built of. It is an error if the folder holds a run, or cannot be written.
func WriteFloat(out string, r *recipe.Recipe, n *layers.Network) error {
	own := *r
	own.Out = out
	f, err := openFolder(&own, false, dist.Local{})
	if err != nil {
		return err
	}
	defer f.release()
	own.Out = "" // that of a training is another
	c := train.Capture(train.Info{Recipe: string(own.YAML()), Computes: computes(), Phase: phaseFloat}, n, nil)
	if err := f.replace(floatFile, c.Encode); err != nil {
		return err
	}
	own.Init = floatFile // beside the recipe
	return f.write(configFile, own.YAML())
}
