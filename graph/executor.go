// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"

	G "gorgonia.org/gorgonia"
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
}

type leaf struct {
	node *G.Node
	slot int
}

type step struct {
	op   G.Op
	sum  G.UsePreallocDoer // the additions Grad inserts where a node has several readers
	args []G.Value
	src  []int
	dst  int
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
			s.sum, _ = n.Op().(G.UsePreallocDoer)
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
		v, err := s.do(e.values[s.dst])
		if err != nil {
			return err
		}
		e.values[s.dst] = v
	}
	return nil
}

// do runs the step's op. A built-in addition is given its last result to
// overwrite, unless that is also one of its inputs.
func (s *step) do(last G.Value) (G.Value, error) {
	if s.sum == nil || last == nil {
		return s.op.Do(s.args...)
	}
	for _, a := range s.args {
		if a.Uintptr() == last.Uintptr() {
			return s.op.Do(s.args...)
		}
	}
	return s.sum.UsePreallocDo(last, s.args...)
}

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
