// SPDX-License-Identifier: Apache-2.0

package train

import (
	"context"
	"time"

	"github.com/goqat/goqat/dist"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/layers"
)

// Shards cut the batch of every step into parts that are run one after the other, by
// one process or by the ranks of a group. A batch normalization sees the statistics of a shard
// (ghost batch normalization; Hoffer et al. 2017, "Train longer, generalize better", section
// 4); everything else is of the whole batch: gradients are added over the shards in one binary
// tree, the loss is the mean over the batch, and what shards measured is taken in once a
// step, in their order. So the bits of a training depend on the number of shards, and not on
// who computes them.
type Shards struct {
	Group dist.Group
	Count int         // shards of a full batch, at least as many as there are ranks
	Batch int         // images of a full batch
	Pool  *graph.Pool // for additions

	sum       *dist.Summer
	params    []*graph.Param
	gradients [][]float32 // of params and the last shard, in memory of the graph
	total     []float32   // the gradients of params, one after the other
	notes     [][]float32 // by shard
	stopped   bool        // a rank is to stop
	images    []float64   // by rank, of the epoch in this process
	busy      []float64   // seconds by rank for these
}

// The numbers of a note before what the graph has measured.
const (
	noteLoss    = iota // the shard's part of the mean over the batch
	noteCorrect        // images
	noteBusy           // seconds
	noteStop           // 1 if the rank is to stop after the step
	noteMeasures
)

// count returns the number of shards of a batch of n images: those of a last, short batch
// are fewer, so that each has about as many images as in a full one.
func (s *Shards) count(n int) int { return min(s.Count, max(1, (n*s.Count+s.Batch-1)/s.Batch)) }

// Most returns the most images that a shard has.
func (s *Shards) Most() int { return (s.Batch + s.Count - 1) / s.Count }

// begin makes the memory of the steps of l.
func (s *Shards) begin(l *Loop) {
	n := 0
	s.params, s.gradients = l.Params, make([][]float32, len(l.Params))
	for _, p := range s.params {
		n += len(p.Value)
	}
	s.total = make([]float32, n)
	for range s.Count {
		s.notes = append(s.notes, make([]float32, noteMeasures+l.Network.Graph.Measures()))
	}
	s.sum = dist.NewSummer(s.Group, n, len(s.notes[0]), func(dst, x []float32) { graph.Add(s.Pool, dst, x) })
}

// restart forgets the ranks' times.
func (s *Shards) restart() {
	s.images, s.busy = make([]float64, s.Group.Size()), make([]float64, s.Group.Size())
}

// Rates returns the images a second that each rank has computed in this epoch, without its
// wait for the others; nil for one process.
func (s *Shards) Rates() []float64 {
	if s == nil || s.Group.Size() == 1 {
		return nil
	}
	rates := make([]float64, len(s.busy))
	for r, busy := range s.busy {
		if busy > 0 {
			rates[r] = s.images[r] / busy
		}
	}
	return rates
}

// stop says whether the loop is to stop before its next step: in a group when all know, after
// the same step.
func (s *Shards) stop(ctx context.Context) error {
	if s == nil || s.Group.Size() == 1 {
		return ctx.Err()
	}
	if s.stopped {
		return context.Canceled
	}
	return nil
}

// Observe shows a network a batch, one shard after the other, by a pass that calibrates: its
// quantizers observe, once, what all shards were given. Every rank does all of it.
func (s *Shards) Observe(n *layers.Network, pass graph.Pass, images []uint8, labels []int32) error {
	if s == nil || s.Count == 1 {
		_, err := n.Forward(pass, images, labels)
		return err
	}
	shards, size := s.count(len(labels)), len(images)/len(labels)
	parts, counts := make([][]float64, shards), make([]int, shards)
	for k := range shards {
		lo, hi := dist.Part(len(labels), k, shards)
		pass.First, pass.Of = lo, len(labels)
		if _, err := n.Forward(pass, images[lo*size:hi*size], labels[lo:hi]); err != nil {
			return err
		}
		parts[k], counts[k] = make([]float64, n.Graph.Measures()), hi-lo
		n.Graph.Measured(parts[k])
	}
	n.Graph.Commit(pass, parts, counts)
	return nil
}

// step computes the gradients of a batch by pass, in p.Grad of the parameters, its loss and
// the number of images that are classified correctly.
func (s *Shards) step(ctx context.Context, l *Loop, pass graph.Pass, images []uint8, labels []int32) (loss float32, right int, err error) {
	if s.sum == nil {
		s.begin(l)
	}
	shards := s.count(len(labels))
	notes := s.notes[:shards]
	err = s.sum.Sum(shards, s.total, notes, func(k int, note []float32) ([][]float32, error) {
		clear(note)
		if ctx.Err() != nil {
			note[noteStop] = 1
		}
		return s.gradients, s.shard(l, pass, images, labels, k, shards, note)
	})
	if err != nil {
		return 0, 0, err
	}
	at := 0
	for _, p := range s.params {
		p.Grad = s.total[at : at+len(p.Value)]
		at += len(p.Value)
	}
	loss, right = s.finish(l, pass, notes, len(labels))
	return loss, right, nil
}

// shard computes shard k of a batch: its gradients and its note.
func (s *Shards) shard(l *Loop, pass graph.Pass, images []uint8, labels []int32, k, shards int, note []float32) error {
	start := time.Now()
	n, size := len(labels), len(images)/len(labels)
	lo, hi := dist.Part(n, k, shards)
	pass.First, pass.Of = lo, n
	if pass.Partners != nil {
		pass.Partners = pass.Partners[lo:hi]
	}
	loss, right, err := l.run(pass, images[lo*size:hi*size], labels[lo:hi])
	if err != nil {
		return err
	}
	for i, p := range s.params {
		s.gradients[i] = p.Grad
	}
	measured := make([]float64, len(note)-noteMeasures)
	l.Network.Graph.Measured(measured)
	for i, v := range measured {
		note[noteMeasures+i] = float32(v)
	}
	note[noteLoss], note[noteCorrect], note[noteBusy] = loss, float32(right), float32(time.Since(start).Seconds())
	return nil
}

// finish takes in the notes of all shards of a batch of n images.
func (s *Shards) finish(l *Loop, pass graph.Pass, notes [][]float32, n int) (loss float32, right int) {
	var total float64
	parts, images := make([][]float64, len(notes)), make([]int, len(notes))
	ranks := s.Group.Size()
	for r := range ranks {
		from, to := dist.Part(len(notes), r, ranks)
		for k := from; k < to; k++ {
			note := notes[k]
			lo, hi := dist.Part(n, k, len(notes))
			images[k] = hi - lo
			total += float64(note[noteLoss])
			right += int(note[noteCorrect])
			s.stopped = s.stopped || note[noteStop] != 0
			s.images[r] += float64(images[k])
			s.busy[r] += float64(note[noteBusy])
			for _, v := range note[noteMeasures:] {
				parts[k] = append(parts[k], float64(v))
			}
		}
	}
	l.Network.Graph.Commit(pass.In(graph.Train), parts, images)
	return float32(total), right
}
