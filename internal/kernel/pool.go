// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"sync"
	"sync/atomic"
	"unsafe"
)

// A Task is work cut into independent tiles.
type Task interface {
	// Tile does tile i. Worker, in [0, threads), names the goroutine it runs
	// on: tiles of one worker never overlap in time.
	Tile(i, worker int)
}

// A Pool runs tasks on a fixed set of goroutines. It runs one task at a time;
// its methods are not for concurrent use, nor to be called from a tile. The
// plans made on a pool share its scratch memory.
type Pool struct {
	threads int
	wake    []chan struct{}
	busy    sync.WaitGroup

	task  Task
	tiles int64
	next  atomic.Int64

	local  [][]float32 // scratch of each worker
	common []float32   // scratch of the whole task
}

// NewPool starts a pool of the given number of threads, at least 1, of which
// the caller of Run is the first. Close ends the others.
func NewPool(threads int) *Pool {
	threads = max(threads, 1)
	p := &Pool{threads: threads, local: make([][]float32, threads)}
	for worker := 1; worker < threads; worker++ {
		wake := make(chan struct{}, 1)
		p.wake = append(p.wake, wake)
		go func() {
			for range wake {
				p.work(worker)
				p.busy.Done()
			}
		}()
	}
	return p
}

// Threads returns the number of threads of the pool.
func (p *Pool) Threads() int { return p.threads }

// Close ends the pool's goroutines. The pool must be idle and is not to be
// used again.
func (p *Pool) Close() {
	for _, wake := range p.wake {
		close(wake)
	}
	p.wake = nil
}

// Run does tiles 0 to n-1 of t, in no particular order, and returns when all
// are done. It does not allocate.
func (p *Pool) Run(t Task, n int) {
	helpers := min(len(p.wake), n-1)
	if helpers <= 0 {
		for i := range n {
			t.Tile(i, 0)
		}
		return
	}
	p.task, p.tiles = t, int64(n)
	p.next.Store(0)
	p.busy.Add(helpers)
	for _, wake := range p.wake[:helpers] {
		wake <- struct{}{}
	}
	p.work(0)
	p.busy.Wait()
	p.task = nil
}

func (p *Pool) work(worker int) {
	for {
		i := p.next.Add(1) - 1
		if i >= p.tiles {
			return
		}
		p.task.Tile(int(i), worker)
	}
}

// reserve makes room for local floats of scratch for each worker and common
// floats for all of them together.
func (p *Pool) reserve(local, common int) {
	for i := range p.local {
		if len(p.local[i]) < local {
			p.local[i] = aligned(local)
		}
	}
	if len(p.common) < common {
		p.common = aligned(common)
	}
}

// aligned returns n zeros that begin at a cache line.
func aligned(n int) []float32 {
	const line = 64
	s := make([]float32, n+line/4)
	skip := int(-uintptr(unsafe.Pointer(unsafe.SliceData(s)))%line) / 4
	return s[skip : skip+n : skip+n]
}
