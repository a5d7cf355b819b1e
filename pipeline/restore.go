// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/export"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/images"
	"github.com/goqat/goqat/internal/atomicfile"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/ptq"
	"github.com/goqat/goqat/qmodel"
	"github.com/goqat/goqat/recipe"
	"github.com/goqat/goqat/train"
)

// Restored is a network built again from a checkpoint.
type Restored struct {
	Network    *layers.Network
	Recipe     *recipe.Recipe
	Checkpoint *train.Checkpoint
	Quantized  bool // the checkpoint is of the quantized phase
}

// readCheckpoint reads a checkpoint and the recipe in it.
func readCheckpoint(path string) (*train.Checkpoint, *recipe.Recipe, error) {
	c, err := train.ReadCheckpoint(path)
	if err != nil {
		return nil, nil, err
	}
	r, err := recipe.Parse([]byte(c.Info.Recipe), path)
	if err == nil {
		err = r.Validate()
	}
	if err != nil {
		return nil, nil, fmt.Errorf("pipeline: the recipe in checkpoint %s: %w", path, err)
	}
	return c, r, nil
}

// Open reads a checkpoint and builds its network, for batches of the given size. It is an error if the file is no checkpoint,
// or if its tensors are not those of the network of its recipe.
func Open(path string, batch int, pool *graph.Pool) (*Restored, error) {
	c, r, err := readCheckpoint(path)
	if err != nil {
		return nil, err
	}
	r.Batch, r.Shards = batch, 1
	n, err := build(r, c.Info.Input, c.Info.Classes, pool, layers.Config{Batch: batch, Sizes: c.Sizes()})
	if err != nil {
		return nil, fmt.Errorf("pipeline: the network of checkpoint %s: %w", path, err)
	}
	if err := c.Restore(n, nil); err != nil {
		return nil, fmt.Errorf("%w (%s)", err, path)
	}
	quantized := c.Info.Phase == phaseQAT
	if quantized {
		epoch := c.Info.Position.Epoch
		if c.Info.Position.Batch == 0 {
			epoch-- // it was made at the end of an epoch
		}
		stage, _ := quantizedSchedule(&r.QAT, 0).Stage(max(0, epoch))
		n.SetStage(stage)
	}
	return &Restored{n, r, c, quantized}, nil
}

// IsQuantized says whether the checkpoint in a file is of the quantized phase. It is an error if the file is no checkpoint.
func IsQuantized(path string) (bool, error) {
	c, err := train.ReadCheckpoint(path)
	return err == nil && c.Info.Phase == phaseQAT, err
}

// Exportable says why the checkpoint has no integers, nil if it has.
func (r *Restored) Exportable() error {
	if !r.Quantized {
		return errors.New("it is of the float phase, whose tensors have no scales yet; take one of the quantized phase")
	}
	return export.Check(r.Network)
}

// About returns what a model exported from the checkpoint says of its training.
func (r *Restored) About() export.About { return about(r.Recipe, r.Checkpoint.Info.Data) }

// about returns what a model says of a training by a recipe, with data of a digest.
func about(r *recipe.Recipe, digest string) export.About {
	a := export.About{Method: r.QAT.Method, Packing: Packing(&r.QAT), Data: qmodel.Data{Digest: digest, Seed: r.Seed}}
	if rule := r.Data.Resize; rule != string(images.Stretch) {
		a.Data.Resize = rule
	}
	return a
}

// Packing returns how the file of the model packs weights.
func Packing(q *recipe.QAT) qmodel.Packing {
	if q.Packing == "dense" {
		return qmodel.Dense
	}
	return qmodel.Aligned
}

// Calibrate starts all quantizers: those of weights from the weights, those of
// activations from images of the training set, shown to the float network in
// full batches, if there are as many images. It is an error if the images cannot be read, or if the network cannot be
// evaluated.
func Calibrate(n *layers.Network, images datasets.Split) error {
	return calibrate(n, images, n.Graph.Batch(), nil, func(int) {})
}

// calibrate is Calibrate in full batches of the given size, cut into shards if they are not
// nil. progress is told how many images it has seen.
func calibrate(n *layers.Network, images datasets.Split, batch int, shards *train.Shards, progress func(done int)) error {
	n.Start()
	pass := graph.Pass{Mode: graph.Eval, Observe: true, Calibrate: true}
	for b, err := range images.Batches(batch) {
		if err != nil {
			return err
		}
		if b.First > 0 && len(b.Labels) < batch {
			break
		}
		if err := shards.Observe(n, pass, b.Images, b.Labels); err != nil {
			return err
		}
		progress(b.End())
	}
	return ptq.Fit(context.Background(), n, images)
}

// OpenQuantized is Open for a checkpoint that can be exported. It is an error where Open fails, and if the checkpoint is not
// Exportable.
func OpenQuantized(path string, batch int, pool *graph.Pool) (*Restored, error) {
	r, err := Open(path, batch, pool)
	if err != nil {
		return nil, err
	}
	if err := r.Exportable(); err != nil {
		return nil, fmt.Errorf("checkpoint %s: %w", path, err)
	}
	return r, nil
}

// Export writes the model of the network as it stands to a file, and returns its size in bytes. It is an error if the network
// has no integers, or if the file cannot be written; then there is none.
func (r *Restored) Export(path string) (int64, error) {
	if err := atomicfile.Write(path, func(w *os.File) error { return export.Write(w, r.Network, r.About()) }); err != nil {
		return 0, err
	}
	stat, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	return stat.Size(), nil
}
