// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"sync/atomic"
	"testing"
)

// A countTask counts how often each tile runs and whether a worker runs two at
// once.
type countTask struct {
	tiles   []atomic.Int32
	workers []atomic.Int32
	overlap atomic.Bool
}

func (t *countTask) Tile(i, worker int) {
	if t.workers[worker].Add(1) != 1 {
		t.overlap.Store(true)
	}
	t.tiles[i].Add(1)
	t.workers[worker].Add(-1)
}

func TestPool(t *testing.T) {
	for _, threads := range []int{0, 1, 2, 8} {
		p := NewPool(threads)
		for _, n := range []int{0, 1, 2, 3, 7, 100} {
			task := &countTask{tiles: make([]atomic.Int32, n), workers: make([]atomic.Int32, p.Threads())}
			for range 20 {
				p.Run(task, n)
			}
			for i := range task.tiles {
				if ran := task.tiles[i].Load(); ran != 20 {
					t.Errorf("%d threads: tile %d of %d ran %d times, want 20", threads, i, n, ran)
				}
			}
			if task.overlap.Load() {
				t.Errorf("%d threads: a worker ran two tiles at once", threads)
			}
		}
		p.Close()
	}
}

func TestPoolAllocations(t *testing.T) {
	p := NewPool(3)
	defer p.Close()
	task := &countTask{tiles: make([]atomic.Int32, 10), workers: make([]atomic.Int32, 3)}
	if n := testing.AllocsPerRun(20, func() { p.Run(task, 10) }); n != 0 {
		t.Errorf("%g allocations a run", n)
	}
}

type brokenTask struct{ tile int }

func (b brokenTask) Tile(i, _ int) {
	if i == b.tile {
		panic("broken")
	}
}

// TestPanicOfATileReachesTheCaller breaks a tile: Run panics on the goroutine that
// called it, whatever thread had the tile, and the pool runs the next task.
func TestPanicOfATileReachesTheCaller(t *testing.T) {
	for _, threads := range []int{1, 2, 8} {
		p := NewPool(threads)
		for i := range 50 {
			func() {
				defer func() {
					if v, ok := recover().(*TilePanic); !ok || v.Value != "broken" {
						t.Errorf("%d threads: recovered %v", threads, v)
					}
				}()
				p.Run(brokenTask{i}, 50)
			}()
			p.Run(brokenTask{-1}, 50)
		}
		p.Close()
	}
}

// TestThreadsOfAPoolAreClamped asks for more threads than any machine has.
func TestThreadsOfAPoolAreClamped(t *testing.T) {
	p := NewPool(1 << 62)
	defer p.Close()
	if p.Threads() != MaxThreads {
		t.Errorf("%d threads", p.Threads())
	}
}
