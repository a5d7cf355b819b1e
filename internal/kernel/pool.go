// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"
	"runtime/debug"
	"sync/atomic"
	"unsafe"

	"github.com/goqat/goqat/internal/wait"
)

// looks is how often a thread of a pool yields the processor before it sleeps: some tens of microseconds.
const looks = 200

// A Task is work cut into independent tiles.
type Task interface {
	// Tile does tile i. Worker, in [0, threads), names the goroutine it runs
	// on: tiles of one worker never overlap in time.
	Tile(i, worker int)
}

// A Pool runs tasks on a fixed set of goroutines. It runs one task at a time;
// its methods are not for concurrent use, nor to be called from a tile. The
// plans made on a pool share its scratch memory.
//
// A training step is hundreds of tasks, many of a few microseconds, which is
// less than it takes to wake a sleeping thread. So whoever has nothing to do
// looks for a while whether there is something new before it sleeps.
type Pool struct {
	threads int
	helpers []*wait.Sleeper
	caller  *wait.Sleeper // of Run, until the helpers are done

	task  Task
	tiles int
	left  atomic.Uint64 // number of the task << 32 | tiles that nobody has taken
	done  atomic.Int64  // tiles done

	failed atomic.Pointer[TilePanic] // the first of the task

	local  [][]float32 // scratch of each worker
	common []float32   // scratch of the whole task
}

// A TilePanic is what Run panics with, on the goroutine of its caller, when a tile
// has panicked on any thread.
type TilePanic struct {
	Value any    // of the tile's panic
	Stack []byte // where it happened
}

func (p *TilePanic) Error() string { return fmt.Sprintf("panic: %v", p.Value) }

// MaxThreads is the most threads that a pool has.
const MaxThreads = 1024

// NewPool starts a pool of the given number of threads, within 1 and MaxThreads,
// of which the caller of Run is the first. Close ends the others.
func NewPool(threads int) *Pool {
	threads = min(max(threads, 1), MaxThreads)
	p := &Pool{threads: threads, caller: wait.NewSleeper(looks), local: make([][]float32, threads)}
	for worker := 1; worker < threads; worker++ {
		h := wait.NewSleeper(looks)
		p.helpers = append(p.helpers, h)
		go func() {
			for h.Until(func() bool { return uint32(p.left.Load()) > 0 }) {
				p.work(worker)
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
	for _, h := range p.helpers {
		h.Close()
	}
	p.helpers = nil
}

// Run does tiles 0 to n-1 of t, in no particular order, and returns when all
// are done. It does not allocate. If a tile panics, Run panics with a *TilePanic
// when all others are done; the pool stays usable.
func (p *Pool) Run(t Task, n int) {
	helpers := min(len(p.helpers), n-1)
	if helpers <= 0 {
		p.task = t
		for i := range n {
			p.tile(i, 0)
		}
		p.end()
		return
	}
	p.task, p.tiles = t, n
	p.done.Store(0)
	p.left.Store((p.left.Load()>>32+1)<<32 | uint64(n))
	for _, h := range p.helpers[:helpers] {
		h.Rouse()
	}
	p.work(0)
	p.caller.Until(func() bool { return p.done.Load() == int64(n) })
	p.end()
}

// end forgets the task and passes on its panic.
func (p *Pool) end() {
	p.task = nil
	if failed := p.failed.Swap(nil); failed != nil {
		panic(failed)
	}
}

// tile does one tile of the task, and keeps its panic.
func (p *Pool) tile(i, worker int) {
	defer func() {
		if v := recover(); v != nil {
			p.failed.CompareAndSwap(nil, &TilePanic{v, debug.Stack()})
		}
	}()
	p.task.Tile(i, worker)
}

// work does tiles while there are any. Whoever has taken one keeps the task from
// ending, and may read what it is; one who comes too late takes none.
func (p *Pool) work(worker int) {
	for {
		left := p.left.Load()
		if uint32(left) == 0 {
			return
		}
		if !p.left.CompareAndSwap(left, left-1) {
			continue
		}
		n := p.tiles
		p.tile(n-int(uint32(left)), worker)
		if p.done.Add(1) == int64(n) && worker > 0 {
			p.caller.Rouse()
		}
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
