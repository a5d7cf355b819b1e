// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"context"
	"os"
	"path/filepath"

	"github.com/goqat/goqat/evaluate"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/pipeline"
	"github.com/goqat/goqat/quantize"
	"github.com/goqat/goqat/recipe"
)

// Options say what is examined, and with which images.
type Options struct {
	Checkpoint string
	// Settings say how a float checkpoint is quantized without training, and with which
	// images; of a checkpoint of the quantized phase the images alone count.
	Settings quantize.Settings
	Measure  int // validation images, 0 for all
}

// Run examines a checkpoint: one of the quantized phase with its own quantizers, one of
// the float phase quantized without training.
func Run(ctx context.Context, o Options) (*Report, error) {
	s, done, err := o.open(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	if o.Measure > 0 {
		s.Images.Validation = s.Images.Validation.Head(o.Measure)
	}
	s.Commands = Commands{Checkpoint: o.Checkpoint, Data: o.Settings.Data, SkipBroken: o.Settings.Reading.SkipBroken, Quantized: s.Quantized}
	if config := filepath.Join(filepath.Dir(o.Checkpoint), "config.yaml"); readable(config) {
		s.Config = config
	}
	return Examine(ctx, *s, func(stage string, done, all int) {
		if on := o.Settings.Reading.On; on != nil {
			on(pipeline.Progress{What: stage, Done: done, Total: all})
		}
	})
}

// open opens the checkpoint and its images; done is to be called in the end.
func (o *Options) open(ctx context.Context) (s *Subject, done func(), err error) {
	pool := graph.NewPool(o.Settings.Threads)
	r, err := pipeline.Open(o.Checkpoint, evaluate.Batch, pool)
	if err != nil || !r.Quantized {
		pool.Close()
		if err != nil {
			return nil, nil, err
		}
		return o.openFloat(ctx)
	}
	seed := r.Recipe.Seed
	if o.Settings.Seed != nil {
		seed = *o.Settings.Seed
	}
	images, err := r.Images(ctx, recipe.Data{Name: o.Settings.Data, Dir: o.Settings.Dir}, seed, o.Settings.Images, o.Settings.Reading)
	if err != nil {
		pool.Close()
		return nil, nil, err
	}
	return &Subject{Network: r.Network, Images: images, Commands: Commands{Quantized: true}}, pool.Close, nil
}

// openFloat opens a float checkpoint and quantizes it, if its weights are numbers.
func (o *Options) openFloat(ctx context.Context) (*Subject, func(), error) {
	n, err := quantize.Open(ctx, o.Checkpoint, &o.Settings)
	if err != nil {
		return nil, nil, err
	}
	s := &Subject{Network: n.Restored.Network, Images: n.Images}
	if len((&examination{Subject: *s}).notFinite()) == 0 {
		if _, _, err := n.Quantize(ctx); err != nil {
			n.Close()
			return nil, nil, err
		}
	}
	return s, n.Close, nil
}

func readable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
