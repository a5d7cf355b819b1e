// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"strings"

	"github.com/goqat/goqat/internal/kernel"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// An Executor is a gorgonia.VM for graphs of this package's ops. It runs, on
// the caller's goroutine and without allocating, only what the requested
// outputs need. A TapeMachine over the same graph computes the same bits; it
// runs every node, allocates per node, and cannot recover from a panic.
type Executor struct {
	values []G.Value
	leaves []leaf
	steps  []step
	slot   map[*G.Node]int
	pool   *kernel.Pool // that additions run on, nil for the caller's thread
}

type leaf struct {
	node *G.Node
	slot int
}

type step struct {
	op   G.Op
	sum  bool // an addition that Grad inserts where a node has several readers
	args []G.Value
	src  []int
	dst  int

	total, a, b []float32 // of the addition under way
}

var _ G.VM = (*Executor)(nil)

// NewExecutor schedules the nodes of g that the outputs need.
func NewExecutor(g *G.ExprGraph, outputs ...*G.Node) (*Executor, error) {
	needed := g.ExactSubgraphRoots(outputs...)
	sorted, err := G.Sort(needed) // roots first
	if err != nil {
		return nil, fmt.Errorf("graph: schedule: %w", err)
	}
	e := &Executor{slot: make(map[*G.Node]int, len(sorted))}
	for i := len(sorted) - 1; i >= 0; i-- {
		n := sorted[i]
		dst := len(e.values)
		e.slot[n] = dst
		e.values = append(e.values, nil)
		if n.Op() == nil {
			e.leaves = append(e.leaves, leaf{n, dst})
			continue
		}
		s := step{op: n.Op(), dst: dst}
		for it := needed.From(n.ID()); it.Next(); {
			child, ok := e.slot[it.Node().(*G.Node)]
			if !ok {
				return nil, fmt.Errorf("graph: schedule: %v runs before its input", n)
			}
			s.src = append(s.src, child)
		}
		s.args = make([]G.Value, len(s.src))
		if _, ok := n.Op().(G.BinaryOp); ok {
			s.sum = strings.HasPrefix(n.Op().String(), "+")
		}
		e.steps = append(e.steps, s)
	}
	return e, nil
}

// RunAll runs the schedule once. Values of an earlier run are overwritten.
func (e *Executor) RunAll() error {
	for _, l := range e.leaves {
		v := l.node.Value()
		if v == nil {
			return fmt.Errorf("graph: no value bound to %v", l.node)
		}
		e.values[l.slot] = v
	}
	for i := range e.steps {
		s := &e.steps[i]
		for j, k := range s.src {
			s.args[j] = e.values[k]
		}
		v, err := s.do(e.values[s.dst], e.pool)
		if err != nil {
			return err
		}
		e.values[s.dst] = v
	}
	return nil
}

// do runs the step's op. Gorgonia's addition makes a new tensor each time; only
// its first is kept, and added into by ourselves.
func (s *step) do(last G.Value, pool *kernel.Pool) (G.Value, error) {
	if !s.sum || last == nil {
		return s.op.Do(s.args...)
	}
	s.total, s.a, s.b = floats(last), floats(s.args[0]), floats(s.args[1])
	if pool == nil {
		kernel.Add(s.total, s.a, s.b)
	} else {
		pool.Run((*addition)(s), (len(s.total)+addTile-1)/addTile)
	}
	return last, nil
}

// addition adds the tensors of a step in tiles.
type addition step

// addTile is the number of values of a tile.
const addTile = 1 << 14

func (t *addition) Tile(i, _ int) {
	lo := i * addTile
	hi := min(lo+addTile, len(t.total))
	kernel.Add(t.total[lo:hi], t.a[lo:hi], t.b[lo:hi])
}

// floats returns the numbers of a tensor.
func floats(v G.Value) []float32 { return v.(*tensor.Dense).Float32s() }

// Reset does nothing: an Executor keeps no state between runs. It is part of
// gorgonia.VM.
func (e *Executor) Reset() {}

// Close does nothing; it is part of gorgonia.VM.
func (e *Executor) Close() error { return nil }

// Value returns what the last run computed for n, nil if n is not scheduled.
func (e *Executor) Value(n *G.Node) G.Value {
	i, ok := e.slot[n]
	if !ok {
		return nil
	}
	return e.values[i]
}
