// SPDX-License-Identifier: Apache-2.0

package infer

import (
	"sync"
	"sync/atomic"

	"github.com/goqat/goqat/infer/internal/kernel"
)

// A worker is a thread's own memory: the scratch of kernels, and the tensors of the images that it runs alone.
type worker struct {
	scratch *kernel.Scratch
	tensors []kernel.Tensor
}

// A job is work in parts that are independent of each other.
type job interface{ do(part int, w *worker) }

// A team are the threads of a runner: the goroutine that calls run, and helpers that wait for work.
type team struct {
	workers []*worker       // of the caller, then of each helper
	wake    []chan struct{} // of each helper
	stop    sync.Once

	// The work at hand.
	job     job
	parts   int
	next    atomic.Int64 // the next part to do
	pending sync.WaitGroup
}

func newTeam(workers []*worker) *team {
	t := &team{workers: workers}
	for _, w := range workers[1:] {
		wake := make(chan struct{})
		t.wake = append(t.wake, wake)
		go func() {
			for range wake {
				t.work(w)
				t.pending.Done()
			}
		}()
	}
	return t
}

// run does all parts of a job, with at most the given helpers. Which thread does which part varies; what it computes
// does not.
func (t *team) run(j job, parts, helpers int) {
	helpers = max(0, min(len(t.wake), parts-1, helpers))
	if helpers == 0 {
		for i := range parts {
			j.do(i, t.workers[0])
		}
		return
	}
	t.job, t.parts = j, parts
	t.next.Store(0)
	t.pending.Add(helpers)
	for i := range helpers {
		t.wake[i] <- struct{}{}
	}
	t.work(t.workers[0])
	t.pending.Wait()
	t.job = nil
}

func (t *team) work(w *worker) {
	for i := t.next.Add(1) - 1; i < int64(t.parts); i = t.next.Add(1) - 1 {
		t.job.do(int(i), w)
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
