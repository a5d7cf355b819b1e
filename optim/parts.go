// SPDX-License-Identifier: Apache-2.0

package optim

import "github.com/goqat/goqat/graph"

// parts are the updates of a step, cut so that the threads of a pool share them.
// C is what the update of a parameter needs beside its numbers.
type parts[C any] struct {
	list   []part[C]
	update func(*part[C])
}

// A part is some of a parameter's numbers: all slices have one length, those of
// a memory that the optimizer does not have are nil.
type part[C any] struct {
	w, grad []float32
	memory  [2][]float32
	with    C
}

// partSize is the number of values of a part.
const partSize = 1 << 14

// add appends the parts of p.
func (s *parts[C]) add(p *graph.Param, with C, memory [2][]float32) {
	for lo := 0; lo < len(p.Value); lo += partSize {
		hi := min(lo+partSize, len(p.Value))
		x := part[C]{w: p.Value[lo:hi], grad: p.Grad[lo:hi], with: with}
		for k, m := range memory {
			if m != nil {
				x.memory[k] = m[lo:hi]
			}
		}
		s.list = append(s.list, x)
	}
}

// run updates all parts, on the threads of a pool if there is one, and forgets
// them.
func (s *parts[C]) run(pool *graph.Pool, update func(*part[C])) {
	s.update = update
	if pool != nil {
		pool.Run(s, len(s.list))
	} else {
		for i := range s.list {
			s.Tile(i, 0)
		}
	}
	clear(s.list)
	s.list = s.list[:0]
}

// Tile implements [graph.Task].
func (s *parts[C]) Tile(i, _ int) { s.update(&s.list[i]) }
