// SPDX-License-Identifier: Apache-2.0

package benchmark

import (
	"context"
	"time"

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/pipeline"
	"github.com/goqat/goqat/recipe"
)

// batches are whole batches without end.
type batches interface {
	next() (images []uint8, labels []int32)
}

// A stored set of batches is in memory as it is.
type stored struct {
	split     datasets.Split
	batch, at int
}

func (s *stored) next() ([]uint8, []int32) {
	if s.at+s.batch > s.split.Len() {
		s.at = 0
	}
	from, size := s.at, len(s.split.Images)/s.split.Len()
	s.at += s.batch
	return s.split.Images[from*size : s.at*size], s.split.Labels[from:s.at]
}

// loaded are the batches of a loader.
type loaded struct {
	*datasets.Loader
	batch, epoch int
}

func (l *loaded) next() ([]uint8, []int32) {
	for {
		if images, labels, ok := l.Next(); ok && len(labels) == l.batch {
			return images, labels
		}
		l.epoch++
		l.Start(l.epoch, 0)
	}
}

// measureLoader takes steps with batches in memory and steps with those of a
// loader in turn: so many of each that what the loader fills meanwhile is what
// they use.
func (b *Training) measureLoader(ctx context.Context, r *recipe.Recipe, t *trainer, memory *stored) error {
	in := t.network.Input
	l, err := datasets.NewLoader(memory.split, datasets.Shape{Height: in.Height, Width: in.Width, Channels: in.Channels}, datasets.LoaderOptions{
		Batch: r.Batch, Seed: uint64(r.Seed), Shuffle: true,
		Balance: r.Data.Balance, Augmentation: pipeline.Augmentation(r.Data.Augment, in),
	})
	if err != nil {
		return err
	}
	defer l.Close()
	const turn = 20
	sources := [2]batches{memory, &loaded{Loader: l, batch: r.Batch}}
	var times [2][]time.Duration
	for len(times[0]) < b.Steps {
		n := min(turn, b.Steps-len(times[0]))
		for k, source := range sources {
			source.next() // a loader begins to fill
			for range n {
				if err := ctx.Err(); err != nil {
					return err
				}
				_, took, err := t.step(true, source)
				if err != nil {
					return err
				}
				times[k] = append(times[k], took)
			}
		}
	}
	m, f := percentiles(times[0]), percentiles(times[1])
	overhead := f.P50/m.P50 - 1
	b.LoaderStep, b.LoadingOverhead = &StepTimes{f.Min, f.P50}, &overhead
	return nil
}
