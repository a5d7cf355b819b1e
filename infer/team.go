// SPDX-License-Identifier: Apache-2.0

package infer

import (
	"sync"
	"sync/atomic"

	"github.com/goqat/goqat/infer/internal/kernel"
)

// A team are the threads of a runner: the goroutine that calls run, and helpers that wait for work.
type team struct {
	scratch []*kernel.Scratch // of the caller, then of each helper
	wake    []chan struct{}   // of each helper
	stop    sync.Once

	// The work at hand.
	step    step
	batch   int
	tensors []kernel.Tensor
	tiles   int
	next    atomic.Int64 // the next tile to do
	pending sync.WaitGroup
}

func newTeam(threads int, needs kernel.Needs) *team {
	t := &team{scratch: []*kernel.Scratch{kernel.NewScratch(needs)}}
	for i := 1; i < threads; i++ {
		wake, scratch := make(chan struct{}), kernel.NewScratch(needs)
		t.wake, t.scratch = append(t.wake, wake), append(t.scratch, scratch)
		go func() {
			for range wake {
				t.work(scratch)
				t.pending.Done()
			}
		}()
	}
	return t
}

// parallelWork is the least work, in elementary additions, that is worth waking a helper.
const parallelWork = 1 << 19

// run does all tiles of a step. Which thread does which tile varies; what a tile computes does not.
func (t *team) run(s step, batch int, tensors []kernel.Tensor) {
	t.step, t.batch, t.tensors, t.tiles = s, batch, tensors, s.tiles(batch)
	t.next.Store(0)
	helpers := min(len(t.wake), t.tiles-1, s.work()*batch/parallelWork)
	t.pending.Add(max(0, helpers))
	for i := range max(0, helpers) {
		t.wake[i] <- struct{}{}
	}
	t.work(t.scratch[0])
	t.pending.Wait()
	t.step, t.tensors = nil, nil
}

func (t *team) work(s *kernel.Scratch) {
	for i := t.next.Add(1) - 1; i < int64(t.tiles); i = t.next.Add(1) - 1 {
		t.step.run(int(i), t.batch, t.tensors, s)
	}
}

// close ends the helpers.
func (t *team) close() {
	t.stop.Do(func() {
		for _, wake := range t.wake {
			close(wake)
		}
	})
}
