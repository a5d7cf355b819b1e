// SPDX-License-Identifier: Apache-2.0

package infer

import (
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/goqat/goqat/infer/internal/kernel"
	"github.com/goqat/goqat/internal/wait"
)

// looks is how often a thread of a team yields the processor before it sleeps: about a tenth of a millisecond.
const looks = 500

// A worker is a thread's own memory: the scratch of kernels, and the tensors of the images that it runs alone.
type worker struct {
	scratch *kernel.Scratch
	tensors []kernel.Tensor
}

// A job is work in parts that are independent of each other.
type job interface{ do(part int, w *worker) }

// A team is the threads of a runner: the goroutine that calls run, and helpers that wait for work.
//
// An operator of one image takes a few microseconds, which is less than it takes to wake a sleeping thread. So a helper
// looks for a while whether there is more to do before it sleeps, and nobody waits for one that has not begun.
type team struct {
	workers []*worker       // of the caller, then of each helper
	helpers []*wait.Sleeper // each
	caller  *wait.Sleeper   // until all parts are done
	stop    sync.Once

	// The work at hand.
	job   job
	parts int
	left  atomic.Int64 // parts that nobody has begun; each worker that finds none lowers it below 0
	done  atomic.Int64 // parts

	failed atomic.Pointer[error] // the first panic of a part, as an error
}

func newTeam(workers []*worker) *team {
	t := &team{workers: workers, caller: wait.NewSleeper(looks)}
	for _, w := range workers[1:] {
		h := wait.NewSleeper(looks)
		t.helpers = append(t.helpers, h)
		go func() {
			for h.Until(func() bool { return t.left.Load() > 0 }) {
				t.work(w, h)
			}
		}()
	}
	return t
}

// run does all parts of a job and wakes at most so many helpers; others that look for work may join. Which thread does
// which part varies; what it computes does not. A panic of a part, on whatever thread, is run's error, once the other
// parts are done.
func (t *team) run(j job, parts, helpers int) error {
	helpers = max(0, min(len(t.helpers), parts-1, helpers))
	t.job, t.parts = j, parts
	if helpers == 0 {
		for i := range parts {
			t.do(i, t.workers[0])
		}
		return t.end()
	}
	t.done.Store(0)
	t.left.Store(int64(parts))
	for _, h := range t.helpers[:helpers] {
		h.Rouse()
	}
	t.work(t.workers[0], t.caller)
	t.caller.Until(func() bool { return t.done.Load() == int64(t.parts) })
	return t.end()
}

// end forgets the job and returns its error.
func (t *team) end() error {
	t.job = nil
	if err := t.failed.Swap(nil); err != nil {
		return *err
	}
	return nil
}

// do does one part, and keeps its panic.
func (t *team) do(part int, w *worker) {
	defer func() {
		if p := recover(); p != nil {
			err := fmt.Errorf("infer: panic: %v: this is a defect of goqat, please report it", p)
			t.failed.CompareAndSwap(nil, &err)
		}
	}()
	t.job.do(part, w)
}

// work does parts while there are any. Whoever has begun one keeps the job from ending, and may read what it is; one who
// comes too late begins none.
func (t *team) work(w *worker, s *wait.Sleeper) {
	for {
		left := t.left.Add(-1)
		if left < 0 {
			return
		}
		parts := t.parts
		t.do(parts-1-int(left), w)
		if t.done.Add(1) == int64(parts) && s != t.caller {
			t.caller.Rouse()
		}
	}
}

// close ends the helpers.
func (t *team) close() {
	t.stop.Do(func() {
		for _, h := range t.helpers {
			h.Close()
		}
	})
}
