// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"

	"github.com/goqat/goqat/internal/kernel"
)

// A Pool is the threads that the ops of graphs run on. Results do not depend on
// how many there are.
type Pool = kernel.Pool

// A Task is work cut into tiles that do not depend on each other.
type Task = kernel.Task

// NewPool starts a pool of so many threads; Close ends them.
func NewPool(threads int) *Pool { return kernel.NewPool(threads) }

// Do calls f for 0 to n-1 on the threads of the graph, in no particular order. A panic in
// f is an error.
func (g *Graph) Do(n int, f func(i int)) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("graph: %v", v)
		}
	}()
	g.run.pool.Run(calls(f), n)
	return nil
}

// Add adds x to dst on the threads of a pool.
func Add(pool *Pool, dst, x []float32) {
	pool.Run(&addition{total: dst, a: dst, b: x}, (len(dst)+addTile-1)/addTile)
}

// calls is a function as a task.
type calls func(i int)

func (f calls) Tile(i, _ int) { f(i) }
