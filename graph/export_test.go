// SPDX-License-Identifier: Apache-2.0

package graph

import G "gorgonia.org/gorgonia"

// Expr is what Gorgonia has of a finished graph: the graph, the loss, and the
// gradients in the order of Params.
func (g *Graph) Expr() (expr *G.ExprGraph, loss *G.Node, grads G.Nodes) {
	return g.expr, g.loss, g.grads
}

// Arena is the memory that values share which do not live at the same time, and
// All the number of values of a training step.
func (g *Graph) Arena() (arena []float32, all int) {
	for _, v := range g.train.values {
		all += v.size
	}
	return g.arena, all
}

// Codes returns how many tensors are codes in the last step, and the numbers of the memory
// that the step shared.
func (g *Graph) Codes() (tensors, memory int) {
	for _, v := range g.train.values {
		if v.codes {
			tensors++
		}
	}
	return tensors, g.train.memory
}

// SetPass is the pass of the graph's nodes on a machine of Gorgonia's.
func (g *Graph) SetPass(p Pass) { g.run.Pass = p }

// Followed returns how many convolutions have their moments taken as they store.
func (g *Graph) Followed() (n int) {
	for _, s := range g.train.steps {
		if o, ok := s.do.(*op); ok {
			if f, ok := o.fn.(*conv); ok && f.moments != nil {
				n++
			}
		}
	}
	return n
}
