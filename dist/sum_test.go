// SPDX-License-Identifier: Apache-2.0

package dist_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/goqat/goqat/dist"
	"github.com/goqat/goqat/dist/disttest"
)

// vectors are numbers whose sum depends on its order.
func vectors(shards, n int) [][]float32 {
	rng := rand.New(rand.NewPCG(uint64(shards), uint64(n)))
	v := make([][]float32, shards)
	for k := range v {
		v[k] = make([]float32, n)
		for i := range v[k] {
			v[k][i] = float32(rng.NormFloat64() * math.Exp(8*rng.Float64()))
		}
	}
	return v
}

// tree is the sum by its definition.
func tree(v [][]float32, i int) float32 {
	if len(v) == 1 {
		return v[0][i]
	}
	return tree(v[:len(v)/2], i) + tree(v[len(v)/2:], i)
}

func add(dst, x []float32) {
	for i, v := range x {
		dst[i] += v
	}
}

// TestSum is the sum of the tree, bit by bit, for any number of ranks, and so are the notes.
func TestSum(t *testing.T) {
	for _, c := range []struct{ shards, ranks, n int }{
		{1, 1, 5}, {2, 1, 5}, {8, 1, 37}, {8, 2, 37}, {8, 3, 37}, {8, 4, 37}, {8, 5, 37}, {8, 8, 37}, {5, 1, 4}, {5, 2, 4}, {5, 4, 4}, {5, 5, 4},
		{3, 8, 16}, {1, 4, 7}, {6, 4, 3}, {4, 4, 2},
	} {
		t.Run(fmt.Sprintf("%d shards, %d ranks", c.shards, c.ranks), func(t *testing.T) {
			v := vectors(c.shards, c.n)
			errs := disttest.Run(c.ranks, func(g dist.Group) error {
				s := dist.NewSummer(g, c.n, 2, add)
				for range 3 { // the memory of a sum serves the next one
					if err := sumIs(g, s, v); err != nil {
						return err
					}
				}
				return nil
			})
			if err := errors.Join(errs...); err != nil {
				t.Error(err)
			}
		})
	}
}

func sumIs(g dist.Group, s *dist.Summer, v [][]float32) error {
	total, notes := make([]float32, len(v[0])), make([][]float32, len(v))
	for k := range notes {
		notes[k] = make([]float32, 2)
	}
	next, end := dist.Part(len(v), g.Rank(), g.Size())
	own := make([]float32, len(v[0]))
	err := s.Sum(len(v), total, notes, func(k int, note []float32) ([][]float32, error) {
		if k != next {
			return nil, fmt.Errorf("rank %d has shard %d, want %d", g.Rank(), k, next)
		}
		next++
		copy(own, v[k])
		note[0], note[1] = float32(k), -1
		return [][]float32{own[:1], own[1:]}, nil
	})
	if err != nil {
		return err
	}
	if next != end {
		return fmt.Errorf("rank %d came to shard %d, want %d", g.Rank(), next, end)
	}
	for i := range total {
		if want := tree(v, i); math.Float32bits(total[i]) != math.Float32bits(want) {
			return fmt.Errorf("rank %d: sum %d is %v, want %v", g.Rank(), i, total[i], want)
		}
	}
	for k, note := range notes {
		if note[0] != float32(k) || note[1] != -1 {
			return fmt.Errorf("rank %d: note %d is %v", g.Rank(), k, note)
		}
	}
	return nil
}

// TestSumSends what a ring allreduce sends, 2n(R − 1)/R numbers a rank, where shards and
// ranks are powers of two.
func TestSumSends(t *testing.T) {
	const n, shards = 1 << 12, 8
	for _, ranks := range []int{2, 4, 8} {
		errs := disttest.Run(ranks, func(g dist.Group) error {
			if err := sumIs(g, dist.NewSummer(g, n, 2, add), vectors(shards, n)); err != nil {
				return err
			}
			if err := g.Close(); err != nil {
				return err
			}
			const notes = 4 * 2 * shards
			if want := 4*2*n*(ranks-1) + notes*(ranks-1); g.Rank() == 0 && disttest.Sent(g) != want {
				return fmt.Errorf("%d ranks send %d bytes, want %d", ranks, disttest.Sent(g), want)
			}
			return nil
		})
		if err := errors.Join(errs...); err != nil {
			t.Error(err)
		}
	}
}

// TestSumFails on the rank whose shard fails; the others are told by whoever runs the job.
func TestSumFails(t *testing.T) {
	broken := errors.New("broken")
	errs := disttest.Run(3, func(g dist.Group) error {
		notes := make([][]float32, 6)
		return dist.NewSummer(g, 4, 0, add).Sum(6, make([]float32, 4), notes, func(k int, _ []float32) ([][]float32, error) {
			if k == 3 {
				return nil, broken
			}
			return [][]float32{make([]float32, 4)}, nil
		})
	})
	for r, err := range errs {
		want := disttest.ErrAborted
		if r == 1 {
			want = broken
		}
		if !errors.Is(err, want) {
			t.Errorf("rank %d: %v", r, err)
		}
	}
}

// TestShare is what rank 0 has.
func TestShare(t *testing.T) {
	for _, text := range []string{"", "a checkpoint"} {
		errs := disttest.Run(3, func(g dist.Group) error {
			var own []byte
			if g.Rank() == 0 {
				own = []byte(text)
			}
			b, err := dist.Share(g, own)
			if err == nil && string(b) != text {
				err = fmt.Errorf("rank %d has %q", g.Rank(), b)
			}
			return err
		})
		if err := errors.Join(errs...); err != nil {
			t.Error(err)
		}
	}
}
