// SPDX-License-Identifier: Apache-2.0

package evaluate

import (
	"context"
	"fmt"

	"github.com/goqat/goqat/artifact"
	"github.com/goqat/goqat/export"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/pipeline"
)

// Verify compares the training graph of a checkpoint with the integer runtime on a
// model, on test images; see export.Verify.
func Verify(ctx context.Context, checkpoint, model string, images pipeline.TestImages, threads int) (export.Verification, error) {
	pool := graph.NewPool(threads)
	defer pool.Close()
	r, err := pipeline.OpenQuantized(checkpoint, Batch, pool)
	if err != nil {
		return export.Verification{}, err
	}
	m, err := artifact.Open(model)
	if err != nil {
		return export.Verification{}, err
	}
	split, err := images.Read(ctx, r.Target())
	if err != nil {
		return export.Verification{}, err
	}
	v, err := export.Verify(ctx, r.Network, m, split, threads, progress(images.Reading.On, "verify", split.Len()))
	if err != nil {
		return v, fmt.Errorf("%s and %s: %w", checkpoint, model, err)
	}
	return v, nil
}
