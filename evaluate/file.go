// SPDX-License-Identifier: Apache-2.0

package evaluate

import (
	"context"
	"errors"

	"github.com/goqat/goqat/artifact"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/infer"
	"github.com/goqat/goqat/pipeline"
)

// ErrNoData is the error of a model and no data: unlike a checkpoint it does not say
// which.
var ErrNoData = errors.New("a .qmodel does not say which images it is for: name them")

// File evaluates a checkpoint or a .qmodel on test images; the limit on the work of a
// model and the threads of either are those of o. What it does is told to the images' reading.
func File(ctx context.Context, path string, images pipeline.TestImages, o infer.Options) (*Evaluation, error) {
	model, err := artifact.IsModel(path)
	switch {
	case err != nil:
		return nil, err
	case !model:
		return checkpointFile(ctx, path, images, o.Threads)
	case images.Data == "":
		return nil, ErrNoData
	}
	m, err := artifact.Open(path)
	if err != nil {
		return nil, err
	}
	split, err := images.Read(ctx, pipeline.TargetOf(m))
	if err != nil {
		return nil, err
	}
	return Model(ctx, m, o, split, images.Reading.On)
}

func checkpointFile(ctx context.Context, path string, images pipeline.TestImages, threads int) (*Evaluation, error) {
	pool := graph.NewPool(threads)
	defer pool.Close()
	r, err := pipeline.Open(path, Batch, pool)
	if err != nil {
		return nil, err
	}
	split, err := images.Read(ctx, r.Target())
	if err != nil {
		return nil, err
	}
	return Checkpoint(ctx, r, split, images.Reading.On)
}
