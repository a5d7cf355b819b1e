// SPDX-License-Identifier: Apache-2.0

package ptq

import (
	"cmp"
	"context"

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/network"
)

// forward evaluates the network on all images, batch by batch, and shows every
// tensor of it with the number of its rows. progress, if not nil, is told how many
// images are done.
func forward(ctx context.Context, n *layers.Network, images datasets.Split, p graph.Pass, progress func(int), see func(t graph.Site, rows int)) error {
	rows := 0
	p.Mode = graph.Eval
	if see != nil {
		p.Tap = func(t graph.Site) { see(t, rows) }
	}
	for b, err := range images.Batches(n.Graph.Batch()) {
		if err := cmp.Or(err, ctx.Err()); err != nil {
			return err
		}
		rows = len(b.Labels)
		if _, err := n.Forward(p, b.Images, b.Labels); err != nil {
			return err
		}
		if progress != nil {
			progress(b.End())
		}
	}
	return nil
}

// sums returns the name under which the sums of a weighted unit are shown, or what a batch
// normalization alone is given.
func sums(u *layers.Unit) string {
	switch {
	case !u.Kind.Weighted():
		t := u.Input()
		for t.Source != nil && t.Source.Kind == network.Drop {
			t = t.Source.Input()
		}
		return t.Name
	case u.Output.Sums:
		return u.Name
	}
	return u.Name + ".accumulators"
}
