// SPDX-License-Identifier: Apache-2.0

package report

import (
	"context"
	"slices"

	"github.com/goqat/goqat/graph"
)

// BothLogits are those of the pass in which activations are looked at, and those of the
// ordinary one, for the same images.
func BothLogits(ctx context.Context, s *Subject) (seen, ordinary []float32, err error) {
	e := (*evidence)(s.Evidence)
	if _, _, err = e.activations(ctx, func() {}); err != nil {
		return nil, nil, err
	}
	seen = slices.Clone(e.Network.Graph.Logits())
	images := sample(e.Test, min(shownImages, e.Network.Graph.Batch()))
	ordinary, err = e.Network.Forward(graph.Pass{Mode: graph.Eval, Quantize: true}, images.Images, images.Labels)
	return seen, ordinary, err
}
