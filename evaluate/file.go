// SPDX-License-Identifier: Apache-2.0

package evaluate

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"

	"github.com/goqat/goqat/artifact"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/infer"
	"github.com/goqat/goqat/pipeline"
)

// ErrNoData is the error of a model and no data: unlike a checkpoint it does not say
// which.
var ErrNoData = errors.New("a .qmodel does not say which images it is for; name them")

// File evaluates a checkpoint or a .qmodel on test images; the limit on the work of a
// model and the threads of either are those of o. What it does is told to the images' reading.
func File(ctx context.Context, path string, images pipeline.TestImages, o infer.Options) (*Evaluation, error) {
	model, err := artifact.IsModel(path)
	if err != nil {
		return nil, err
	}
	sum, err := Sum(path)
	if err != nil {
		return nil, err
	}
	var e *Evaluation
	var total int
	if model {
		e, total, err = modelFile(ctx, path, images, o)
	} else {
		e, total, err = checkpointFile(ctx, path, images, o.Threads)
	}
	if err != nil {
		return nil, err
	}
	e.SHA256, e.Data, e.Seed, e.Part, e.Total = sum, images.Data, images.Seed, images.Part.String(), total
	return e, nil
}

// Sum returns the SHA-256 of a file, in hexadecimal digits.
func Sum(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func modelFile(ctx context.Context, path string, images pipeline.TestImages, o infer.Options) (*Evaluation, int, error) {
	if images.Data == "" {
		return nil, 0, ErrNoData
	}
	m, err := artifact.Open(path)
	if err != nil {
		return nil, 0, err
	}
	split, total, err := images.ReadPart(ctx, pipeline.TargetOf(m))
	if err != nil {
		return nil, 0, err
	}
	e, err := Model(ctx, m, o, split, images.Reading.On)
	return e, total, err
}

func checkpointFile(ctx context.Context, path string, images pipeline.TestImages, threads int) (*Evaluation, int, error) {
	pool := graph.NewPool(threads)
	defer pool.Close()
	r, err := pipeline.Open(path, Batch, pool)
	if err != nil {
		return nil, 0, err
	}
	split, total, err := images.ReadPart(ctx, r.Target())
	if err != nil {
		return nil, 0, err
	}
	e, err := Checkpoint(ctx, r, split, images.Reading.On)
	return e, total, err
}
