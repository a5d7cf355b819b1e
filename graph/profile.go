// SPDX-License-Identifier: Apache-2.0

package graph

import "time"

// An Op is an operation of a training step: what it has to do at the very least,
// on a full batch, and how long it took.
type Op struct {
	Name  string
	MACs  int           // multiply-adds of a convolution, those with padding included
	Bytes int           // of its inputs, read once, and its results, written once
	Took  time.Duration // in the last Step
}

// Profile returns the ops of a training step in their order. Each Step from now
// on writes there what they took, and of how many bytes their inputs and results are where
// those become codes.
func (g *Graph) Profile() []Op {
	e := g.train
	if e.ops == nil {
		e.ops = make([]Op, len(e.steps))
		e.profile(g.batch)
	}
	return e.ops
}

// profile describes the steps, if that is wanted.
func (e *Executor) profile(batch int) {
	for i := range e.ops {
		e.ops[i] = e.describe(&e.steps[i], batch)
	}
}

// describe describes a step on a full batch.
func (e *Executor) describe(s *step, batch int) Op {
	o := Op{Name: "sum of gradients"}
	var fn Function
	passes := 1
	switch do := s.do.(type) {
	case *op:
		o.Name, fn = do.name, do.fn
	case *backward:
		o.Name, fn = do.name, do.op.fn
		passes = 0
		for _, v := range s.out {
			if v >= 0 {
				passes++
			}
		}
	}
	switch f := fn.(type) {
	case *conv:
		o.MACs = passes * f.desc.MACs() * batch
	case *flatten:
		return o // only the shape changes
	}
	for _, values := range [][]int{s.in, s.out} {
		for _, v := range values {
			if v >= 0 {
				o.Bytes += 4 * len(e.values[v].data)
			}
		}
	}
	return o
}
