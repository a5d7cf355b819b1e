// SPDX-License-Identifier: Apache-2.0

package train

import (
	"context"
	"encoding/binary"
	"math"

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/dist"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/layers"
)

// EvaluateShared is [Evaluate] by the ranks of a group. Each classifies some of the batches and tells the
// others what came of them, so that all have the result of one process, bit by bit. progress, if not nil, is told about how
// many images are done.
func EvaluateShared(ctx context.Context, g dist.Group, n *layers.Network, p graph.Pass, s datasets.Split, progress func(done int)) (Result, error) {
	if g.Size() == 1 || s.Len() == 0 {
		return Evaluate(ctx, n, p, s, progress)
	}
	batch := n.Graph.Batch()
	r := Result{Images: s.Len(), Labels: s.Labels, Predictions: make([]int32, s.Len())}
	batches := (s.Len() + batch - 1) / batch
	// images are those of the batches from the first on, so many of which there are.
	images := func(first, end int) (from, to int) { return min(first*batch, s.Len()), min(end*batch, s.Len()) }
	parts := make([][]byte, g.Size())
	for rank := range parts {
		first, end := dist.Part(batches, rank, g.Size())
		from, to := images(first, end)
		parts[rank] = make([]byte, 8*(end-first)+4*(to-from))
		if rank != g.Rank() || from == to {
			continue
		}
		told := parts[rank][:0]
		classify := forward(n, p, func(sum float64) { told = binary.LittleEndian.AppendUint64(told, math.Float64bits(sum)) })
		own, err := evaluate(ctx, s.Range(from, to), batch, len(n.Classes), classify, func(done int) {
			if progress != nil {
				progress(min(done*g.Size(), s.Len()))
			}
		})
		if err != nil {
			return r, err
		}
		for _, class := range own.Predictions {
			told = binary.LittleEndian.AppendUint32(told, uint32(class))
		}
	}
	if err := g.Gather(parts); err != nil {
		return r, err
	}
	for rank, told := range parts {
		first, end := dist.Part(batches, rank, g.Size())
		for range end - first {
			r.Loss += math.Float64frombits(binary.LittleEndian.Uint64(told))
			told = told[8:]
		}
		for from, to := images(first, end); from < to; from++ {
			r.Predictions[from] = int32(binary.LittleEndian.Uint32(told))
			told = told[4:]
		}
	}
	r.finish()
	return r, nil
}

// finish makes means of what was added up over the images.
func (r *Result) finish() {
	right := 0
	for i, label := range r.Labels {
		if r.Predictions[i] == label {
			right++
		}
	}
	r.Loss /= float64(r.Images)
	r.Accuracy = float64(right) / float64(r.Images)
}
