// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"cmp"
	"context"
	"fmt"

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/recipe"
	"github.com/goqat/goqat/train"
)

// OpenFloat reads a checkpoint and builds its network with another quantization than
// its recipe has, for batches of the given size: the weights and the statistics are
// those of the checkpoint, of ranges it takes none. A packing that q does not say is that
// of the recipe. It is an error if the file is no checkpoint, if the quantization is not valid for its network, or if weights
// do not fit.
func OpenFloat(path string, q recipe.QAT, batch int, pool *graph.Pool) (*Restored, error) {
	c, r, err := readCheckpoint(path)
	if err != nil {
		return nil, err
	}
	q.Packing = cmp.Or(q.Packing, r.QAT.Packing)
	r.QAT, r.Batch, r.Shards = q, batch, 1
	if err := r.Validate(); err != nil {
		return nil, err
	}
	in := c.Info.Input
	if q.Scales == "pow2" {
		in.PowersOfTwo()
	}
	n, err := build(r, in, c.Info.Classes, pool, layers.Config{Batch: batch, Sizes: c.Sizes()})
	if err != nil {
		return nil, fmt.Errorf("pipeline: the network of checkpoint %s: %w", path, err)
	}
	if err := c.RestoreShared(n); err != nil {
		return nil, fmt.Errorf("%w (%s)", err, path)
	}
	n.RescaleImage(c.Info.Input.Scale)
	return &Restored{n, r, c, false}, nil
}

// Capture returns the network as it stands as a checkpoint of the quantized phase,
// which can be exported, verified and trained further.
func (r *Restored) Capture() *train.Checkpoint {
	info := r.Checkpoint.Info
	info.Recipe, info.Phase, info.Position = string(r.Recipe.YAML()), phaseQAT, train.Position{Epoch: r.Recipe.QAT.Epochs}
	return train.Capture(info, r.Network, nil)
}

// Images are the parts of a data set for a network: in the size of its images, with
// the labels of its classes.
type Images struct {
	Calibration datasets.Split // training images, spread evenly over all
	Validation  datasets.Split
	Test        datasets.Split
	Digest      string // of all images, see datasets.Dataset
}

// Images opens a data set for the network, by default that of its training: so many
// images to calibrate with, 0 for all; reading says how it is read. It is an error if the data set cannot be opened, has other
// classes than the network, or too few images to hold some out.
func (r *Restored) Images(ctx context.Context, data recipe.Data, seed, calibration int, reading Reading) (*Images, error) {
	n, d := r.Network, *r.Recipe
	if data.Name != "" {
		d.Data = data
	}
	if data.Dir != "" {
		d.Data.Dir = data.Dir
	}
	d.Data.Resize = r.Recipe.Data.Resize
	d.Seed = seed
	d.Data.Height, d.Data.Width, d.Data.Channels = n.Input.Height, n.Input.Width, n.Input.Channels
	reading.Samples = n.Input.Samples
	set, err := Data(ctx, &d, reading)
	if err != nil {
		return nil, err
	}
	if err := set.Relabel(n.Classes); err != nil {
		return nil, err
	}
	n.Classes = set.Classes // those without names have some now
	s, err := splitData(set, uint64(seed))
	if err != nil {
		return nil, err
	}
	i := &Images{Calibration: s.train, Validation: s.validation, Test: set.Test, Digest: set.Digest}
	if calibration > 0 {
		i.Calibration = s.train.Spread(calibration)
	}
	return i, nil
}
